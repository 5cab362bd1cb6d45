import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import type { OpenAPIObject } from '@nestjs/swagger';

type Json = any;
type Schema = Record<string, any>;

/** A stream of choices that its seed determines. */
export class Choices {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

const nested = (depth: number, open: string, close: string) => `${open.repeat(depth)}1${close.repeat(depth)}`;

const WEIRD_TEXTS = [
  '', ' ', '\u0000', 'a\u0000b', '\ud800', '\udfff\ud800', '😀'.repeat(300), 'x'.repeat(256), 'ä'.repeat(5000), "'; DROP TABLE x; --",
  '$1', '%', '\\', '"', '../..', '{{x}}', 'null', 'NaN', '١٢٣', '\u202e', '__proto__', 'constructor', '1e999', '-1', 'javascript:x',
]; // prettier-ignore

const WEIRD_VALUES: (() => Json)[] = [
  () => null, () => true, () => 0, () => -1, () => 1.5, () => 1e21, () => -0, () => 2 ** 53, () => 2 ** 31, () => [], () => ({}),
  () => [[]], () => [null], () => ({ length: 1e9 }), () => ({ toString: 1, valueOf: 2 }), () => ({ toJSON: 'x' }),
  () => JSON.parse('{"__proto__": {"isAdmin": true}}'), () => ({ constructor: { prototype: { isAdmin: true } } }),
  () => JSON.parse(nested(120, '[', ']')), () => JSON.parse(nested(99, '{"a":', '}')), () => Array.from({ length: 1001 }, () => 0),
  () => 'x'.repeat(300_000),
]; // prettier-ignore

/** Bodies that no JSON library would write. */
const RAW_BODIES = [
  '', ' ', '{', '[', '{"name":', '{"name":"x"}}', '{"name":"x",}', "{'name':'x'}", '\ufeff{"name":"x"}', '{"name":1e400}',
  '{"name":"x","name":["y"]}', '"text"', '1', 'null', 'NaN', 'undefined', '{"name":"\\ud800"}', '{"name":"\\u0000"}',
  '{"__proto__":{"name":"x"}}', '{"name":"x","__proto__":null,"constructor":{"prototype":{"x":1}}}', '\u0000',
  nested(5000, '[', ']'), nested(5000, '{"a":', '}'), `{"name":${nested(20_000, '[', ']')}}`, `[${'0,'.repeat(50_000)}0]`,
  `{"name":"${'x'.repeat(2_000_000)}"}`, 'name=x&widgets[0]=y', '--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--',
]; // prettier-ignore

const TAGS = ['*', '"1"', '"2"', 'W/"1"', '"1", "2"', '1', '"', '', '"\u00ff"', `"${'9'.repeat(400)}"`, ','];
const TYPES = [
  'application/json; charset=utf-8', 'application/json; charset=utf-16', 'application/json; charset=x', 'application/problem+json',
  'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'multipart/form-data', 'application/xml', 'x', '/', '',
]; // prettier-ignore
const IDS = [
  '1', '-1', 'null', '%20', '%00', '%2e%2e', '%2F', "'", '%27%20OR%201=1', '%F0%9F%98%80', '%FF', '%', '%zz', 'x'.repeat(99),
  'x'.repeat(3000), '00000000-0000-0000-0000-000000000000', '{id}', '*', ':id', ';x', 'a,b', '__proto__',
]; // prettier-ignore

export interface FuzzRequest {
  operationId: string;
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | Buffer | undefined;
  /** Whether the path is one that the router itself may refuse. */
  isPathOdd: boolean;
}

/** Existing ids, by the segment of the path before them. */
export type KnownIds = Record<'dashboards' | 'widgets' | 'saved-queries', string[]>;

/** What can be queried. */
const KNOWN_NAMES = { tables: ['orders'], columns: ['id', 'amount', 'ordered_at'] } as const;

/** Makes requests after an OpenAPI document: most are nearly right, so that they come far, and each is wrong in some way. */
export class Fuzzer {
  readonly #operations;
  readonly #schemas: Record<string, Schema>;

  constructor(
    document: OpenAPIObject,
    private readonly knownIds: () => KnownIds,
  ) {
    this.#schemas = document.components!.schemas as Record<string, Schema>;
    this.#operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item as Record<string, Json>).map(([method, operation]) => ({ path, method, operation })),
    );
  }

  request(choices: Choices): FuzzRequest {
    const { path, method, operation } = choices.of(this.#operations);
    const filled = path.replace(
      /([\w-]+)\/\{\w+\}/g,
      (_, kind: keyof KnownIds | keyof typeof KNOWN_NAMES) => `${kind}/${this.id(choices, kind)}`,
    );
    const headers: Record<string, string> = { 'Content-Type': 'application/json' };
    if (choices.chance(0.15)) {
      headers['Content-Type'] = choices.of(TYPES);
    }
    for (const name of [
      'If-Match',
      'If-None-Match',
      'X-Tenant-ID',
      'X-User-ID',
      'X-Schema-Name',
      'Accept',
      'Accept-Encoding',
      'Range',
    ]) {
      if (choices.chance(0.04)) {
        headers[name] = choices.of([...TAGS, 'public', 'pg_catalog', 'acme', 'bytes=0-1']);
      }
    }
    const schema = operation.requestBody?.content['application/json'].schema;
    const body =
      schema === undefined && !choices.chance(0.1)
        ? undefined
        : this.encode(choices, this.body(choices, schema ?? {}), headers);
    return {
      operationId: operation.operationId,
      method: choices.chance(0.03)
        ? choices.of(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'])
        : method.toUpperCase(),
      path: filled + this.query(choices, operation.parameters ?? []),
      headers,
      body,
      isPathOdd: /%(?![0-9a-f]{2})|%FF|x{1000}/i.test(filled),
    };
  }

  private id(choices: Choices, kind: keyof KnownIds | keyof typeof KNOWN_NAMES): string {
    const known: readonly string[] =
      kind in KNOWN_NAMES ? KNOWN_NAMES[kind as 'tables'] : this.knownIds()[kind as 'widgets'];
    return known.length > 0 && choices.chance(0.8) ? choices.of(known) : choices.of(IDS);
  }

  private query(choices: Choices, parameters: { in: string; name: string; schema?: Schema }[]): string {
    const pairs = parameters
      .filter((parameter) => parameter.in === 'query' && choices.chance(0.3))
      .map(({ name, schema }) => [
        name,
        choices.chance(0.6) ? this.value(choices, schema ?? {}) : choices.of(WEIRD_TEXTS),
      ]);
    if (choices.chance(0.1)) {
      pairs.push([
        choices.of(['__proto__[x]', 'q[]', 'q', 'limit', 'a'.repeat(2000), '%', 'constructor']),
        choices.of(WEIRD_TEXTS),
      ]);
    }
    const text = pairs
      .map(([name, value]) => `${name}=${encodeURIComponent(String(value).toWellFormed().slice(0, 500))}`)
      .join('&');
    return text === '' ? '' : `?${choices.chance(0.05) ? text.replaceAll('%', '%%') : text}`;
  }

  private body(choices: Choices, schema: Schema): string {
    if (choices.chance(0.08)) {
      return choices.of(RAW_BODIES);
    }
    let value = this.value(choices, schema);
    for (let changes = choices.below(3); changes > 0; changes -= 1) {
      value = mutate(choices, value);
    }
    const text = JSON.stringify(value) ?? '';
    return choices.chance(0.03) ? text.slice(0, choices.below(text.length)) : text;
  }

  private encode(choices: Choices, text: string, headers: Record<string, string>): string | Buffer {
    if (!choices.chance(0.05)) {
      return text;
    }
    const [name, compress] = choices.of<[string, (text: string) => string | Buffer]>([
      ['gzip', gzipSync], ['deflate', deflateSync], ['br', brotliCompressSync], ['gzip', (text) => text],
      ['zstd', (text) => text], ['identity', (text) => text], ['gzip', (text) => gzipSync(text).subarray(0, 15)],
    ]); // prettier-ignore
    headers['Content-Encoding'] = name;
    return compress(text);
  }

  /** A value that a schema allows, more or less. */
  private value(choices: Choices, schema: Schema, depth = 0): Json {
    if (schema['$ref'] !== undefined) {
      return this.value(choices, this.#schemas[schema['$ref'].split('/').at(-1)!]!, depth);
    }
    const [variants] = [schema['anyOf'], schema['oneOf'], schema['allOf']].filter(Boolean) as Schema[][];
    if (variants !== undefined) {
      return this.value(choices, choices.of(variants), depth);
    }
    if (schema['nullable'] && choices.chance(0.15)) {
      return null;
    }
    if (schema['enum'] !== undefined) {
      return choices.of(schema['enum'] as Json[]);
    }
    switch (schema['type']) {
      case 'object':
        return Object.fromEntries(
          Object.entries((schema['properties'] ?? {}) as Record<string, Schema>)
            .filter(([name]) => schema['required']?.includes(name) || choices.chance(0.4))
            .map(([name, member]) => [name, this.value(choices, member, depth + 1)]),
        );
      case 'array':
        return Array.from({ length: schema['minItems'] ?? choices.below(depth > 3 ? 2 : 4) }, () =>
          this.value(choices, schema['items'], depth + 1),
        );
      case 'integer':
      case 'number':
        return (schema['minimum'] > -1000 ? schema['minimum'] : 0) + choices.below(5);
      case 'boolean':
        return choices.chance(0.5);
      case 'string':
        return schema['format'] === 'uuid'
          ? choices.of([...Object.values(this.knownIds()).flat(), choices.of(IDS)])
          : choices.of(['o', 'a', 'orders', 'amount', 'ordered_at', `n${choices.below(50)}`]);
      default:
        return choices.of(WEIRD_VALUES.slice(0, 10))();
    }
  }
}

/** Replaces, removes or adds one thing anywhere in a value. */
function mutate(choices: Choices, value: Json): Json {
  const places: [Json, string][] = [];
  const visit = (at: Json): void => {
    for (const key of Object.keys(at ?? {})) {
      if (typeof at === 'object' && places.length < 500) {
        places.push([at, key]);
        visit(at[key]);
      }
    }
  };
  visit(value);
  if (places.length === 0 || choices.chance(0.05)) {
    return choices.of(WEIRD_VALUES)();
  }
  const [at, key] = choices.of(places);
  const kind = choices.below(4);
  if (kind === 0) {
    delete at[key];
  } else if (kind === 1 && !Array.isArray(at)) {
    const name = choices.of([
      '__proto__',
      'constructor',
      'prototype',
      'toString',
      'id',
      'owner_id',
      'tenant_id',
      'version',
      'ownerId',
      '',
    ]);
    Object.defineProperty(at, name, {
      value: choices.of(WEIRD_VALUES)(),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  } else {
    at[key] = kind === 2 ? choices.of(WEIRD_TEXTS) : choices.of(WEIRD_VALUES)();
  }
  return value;
}
