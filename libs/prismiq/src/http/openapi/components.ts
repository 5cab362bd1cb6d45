import { z } from 'zod';
import { toSnakeCase } from '../wire.js';
import { SCHEMAS, type SchemaName } from './schemas.js';

interface JsonSchema {
  [keyword: string]: unknown;
  properties?: Record<string, unknown>;
  required?: string[];
}

/** Prefix of the names, since the document is the host's and may have a Dashboard of its own. */
const PREFIX = 'Prismiq';

export const referenceTo = (name: SchemaName) => ({ $ref: `#/components/schemas/${PREFIX}${name}` });

/** Built when the first controller is documented, so that a host without OpenAPI pays nothing. */
let components: Record<string, JsonSchema> | undefined;

/** All schemas, by their names in the document. */
export function buildComponents(): Record<string, JsonSchema> {
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

/** Renames columns to snake_case. Members of documents keep their names. */
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
