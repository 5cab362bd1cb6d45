import { z } from 'zod';
import { toSnakeCase } from '../wire.js';
import { SCHEMAS, type SchemaName } from './schemas.js';

interface JsonSchema {
  [keyword: string]: unknown;
  properties?: Record<string, unknown>;
  required?: string[];
}

/** In front, since the document is the host's, and may have a Dashboard of its own. */
const PREFIX = 'Prismiq';

export const referenceTo = (name: SchemaName) => ({ $ref: `#/components/schemas/${PREFIX}${name}` });

/** Built once, when the first controller is documented: a host without OpenAPI pays nothing. */
let components: Record<string, JsonSchema> | undefined;

/** All schemas by the names that they have in the document. */
export function componentsOf(): Record<string, JsonSchema> {
  if (components === undefined) {
    const registry = z.registry<{ id: string }>();
    Object.entries(SCHEMAS).forEach(([name, schema]) => registry.add(schema, { id: `${PREFIX}${name}` }));
    const { schemas } = z.toJSONSchema(registry, {
      target: 'openapi-3.0',
      io: 'input',
      unrepresentable: 'any',
      uri: (id) => `#/components/schemas/${id}`,
      override: ({ zodSchema, jsonSchema }) => Object.assign(jsonSchema, z.globalRegistry.get(zodSchema)),
    });
    components = Object.fromEntries(
      Object.entries(schemas).map(([name, schema]) => [name, toWire(schema as JsonSchema)]),
    );
  }
  return components;
}

/** Columns have snake_case names on the wire; what lies deeper is as it is. */
function toWire({ $id: _, $schema: __, properties, required, ...schema }: JsonSchema): JsonSchema {
  const isRecord = properties !== undefined && !('minW' in properties) && !('rowHeight' in properties);
  const rename = (key: string) => (isRecord ? toSnakeCase(key) : key);
  return {
    ...schema,
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([key, value]) => [rename(key), value])),
    }),
    ...(required && { required: required.map(rename) }),
  };
}
