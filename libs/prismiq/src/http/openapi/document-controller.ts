import { STATUS_CODES } from 'node:http';
import type { Type } from '@nestjs/common';
import { z } from 'zod';
import { buildComponents, referenceTo } from './components.js';
import { OPERATIONS, type Operation } from './operations.js';
import type { SchemaName } from './schemas.js';

export type Swagger = typeof import('@nestjs/swagger');

/** The errors of every route: an identity that does not fit, an unknown tenant, a fault of the server. */
const ALWAYS = [400, 403, 404, 500, 503];

const ERROR_SCHEMAS: Record<number, SchemaName> = { 409: 'StaleError', 412: 'StaleError', 422: 'InvalidError' };

/**
 * Loads an optional peer, by `import()`, which bundlers of both module systems understand.
 *
 * @returns `undefined` for a host without it, and for a bundle in which it does not load: such a host cannot make a document
 */
export const loadSwagger = (): Promise<Swagger | undefined> =>
  import('@nestjs/swagger').then(
    // A copy: a module has no constructor, and @nestjs/graphql reads that of every provider.
    (swagger) => ({ ...swagger }),
    () => undefined,
  );

/**
 * Describes the routes of a controller that extends one of ours. What a host's decorators say about a method that it has overridden
 * is kept.
 *
 * @param idSuffix appended to the ids of operations; `undefined`: they have the host's ids, made of class and method
 */
export function documentController(swagger: Swagger, controller: Type, idSuffix?: string): void {
  swagger.ApiTags('Prismiq')(controller);
  for (const [name, operation] of Object.entries(findOperations(controller) ?? {})) {
    const method = ownMethod(controller, name);
    for (const decorate of createDecorators(swagger, operation, idSuffix)) {
      decorate(controller.prototype, name, method);
    }
  }
}

function findOperations(controller: Type): Record<string, Operation> | undefined {
  for (let base: unknown = controller; typeof base === 'function'; base = Object.getPrototypeOf(base)) {
    const operations = OPERATIONS.get(base);
    if (operations !== undefined) {
      return operations;
    }
  }
  return undefined;
}

/** Gives the class a method of its own: metadata on an inherited one would apply to all classes that inherit it. */
function ownMethod({ prototype }: Type, name: string): PropertyDescriptor {
  const own = Object.getOwnPropertyDescriptor(prototype, name);
  if (own !== undefined) {
    return own;
  }
  const inherited = prototype[name] as (...parameters: unknown[]) => unknown;
  const method = {
    [name](this: unknown, ...parameters: unknown[]) {
      return inherited.apply(this, parameters);
    },
  }[name]!;
  for (const key of Reflect.getMetadataKeys(inherited)) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, inherited), method);
  }
  const descriptor = { value: method, writable: true, configurable: true, enumerable: false };
  Object.defineProperty(prototype, name, descriptor);
  return descriptor;
}

function createDecorators(swagger: Swagger, operation: Operation, idSuffix: string | undefined): MethodDecorator[] {
  const { ApiBody, ApiHeader, ApiOperation, ApiQuery, ApiResponse } = swagger;
  const { id, summary, query, body, isBodyOptional = false, answer, isTagged, precondition, errors } = operation;
  const operationId = idSuffix === undefined ? {} : { operationId: id + idSuffix };
  const etag = { ETag: { description: 'The version, in quotes.', schema: { type: 'string' as const } } };
  return [
    ApiOperation({ summary, ...operationId }, { overrideExisting: idSuffix !== undefined }),
    ...Object.entries(query?.shape ?? {}).map(([name, schema]) => {
      const { description, ...shape } = toJsonSchema(schema);
      return ApiQuery({ name, required: false, description: description ?? '', schema: shape });
    }),
    ...(precondition === undefined
      ? []
      : [
          ApiHeader({
            name: precondition,
            required: false,
            description: 'Entity tags, or `*`.',
            schema: { type: 'string' },
          }),
        ]),
    ...(body === undefined ? [] : [ApiBody({ required: !isBodyOptional, schema: referenceTo(body) })]),
    ...(answer === undefined
      ? []
      : [
          ApiResponse(
            {
              status: answer[0],
              description: summary,
              ...(isTagged ? { headers: etag } : {}),
              standardSchema: withComponents(answer[1]),
            },
            // A host knows best what a method that it has overridden answers.
            { overrideExisting: idSuffix !== undefined },
          ),
        ]),
    ...(precondition === 'If-None-Match'
      ? [ApiResponse({ status: 304, description: STATUS_CODES[304]!, headers: etag })]
      : []),
    ...[...new Set([...ALWAYS, ...errors])].map((status) =>
      ApiResponse({
        status,
        description: STATUS_CODES[status]!,
        schema: referenceTo(ERROR_SCHEMAS[status] ?? 'Error'),
      }),
    ),
  ];
}

/** A Standard Schema that never validates: it only brings all schemas that the document names. */
const withComponents = (name: SchemaName) => {
  const jsonSchema = () => ({ ...referenceTo(name), definitions: buildComponents() });
  return {
    '~standard': { version: 1 as const, vendor: 'prismiq', jsonSchema: { input: jsonSchema, output: jsonSchema } },
  };
};

function toJsonSchema(schema: unknown): { description?: string; [keyword: string]: unknown } {
  const { $schema: _, ...shape } = z.toJSONSchema(schema as z.ZodType, {
    target: 'openapi-3.0',
    io: 'input',
    unrepresentable: 'any',
  });
  return shape;
}
