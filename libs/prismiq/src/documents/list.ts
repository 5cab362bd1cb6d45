import { z } from 'zod';
import { MAX_ISSUES } from '../errors/record.errors.js';

export const MAX_LIST = 1000;

/**
 * Like `z.array()`, but its check stops at {@link MAX_ISSUES}: a fault costs far more time than a valid element, and one body has
 * room for hundreds of thousands.
 */
const BoundedArray = z.core.$constructor<z.ZodArray>('BoundedArray', (schema, definition) => {
  z.ZodArray.init(schema, definition);
  const { parse } = schema._zod;
  schema._zod.parse = (payload, context) => {
    const elements: unknown = payload.value;
    if (!Array.isArray(elements) || elements.length > MAX_LIST) {
      return parse(payload, context);
    }
    const output: unknown[] = [];
    for (const [index, value] of elements.entries()) {
      const result = definition.element._zod.run({ value, issues: [] }, context) as z.core.ParsePayload;
      payload.issues.push(...z.core.util.prefixIssues(index, result.issues));
      if (payload.issues.length >= MAX_ISSUES) {
        break;
      }
      output.push(result.value);
    }
    return Object.assign(payload, { value: output });
  };
});

/** An array of `min` to 1000 elements. */
export const list = <T extends z.ZodType>(element: T, min = 0): z.ZodArray<T> =>
  (new BoundedArray({ type: 'array', element }) as z.ZodArray<T>).min(min).max(MAX_LIST);
