import { Injectable } from '@nestjs/common';
import {
  InvalidTenantIdError,
  TenantDirectoryError,
  TenantNotFoundError,
  TenantSuspendedError,
} from '../errors/tenancy.errors.js';
import { assertSchemaName } from '../schema/schema-name.js';
import { LookupCache, type CacheLimits } from './lookup-cache.js';
import { schemaOf, type SchemaFor } from './schema-for.js';
import type { ListedTenant, TenantDirectory, TenantEntry, TenantRecord } from './tenant-directory.js';
import { assertTenantId, isTenantId } from './tenant-id.js';

/** What a {@link TenantRegistry} needs beside the directory. */
export interface TenantRegistryOptions extends CacheLimits {
  readonly schemaFor: SchemaFor;
  /** Milliseconds that a look-up may take. */
  readonly timeoutMs: number;
  /** Whether the call stands in a transaction of the host's. */
  readonly isInTransaction: () => boolean;
}

/**
 * The tenants, as the host's {@link TenantDirectory} knows them: looked up once, kept for a while, checked. Every tenant context
 * begins with a look-up here.
 *
 * Inside a transaction of the host's, a tenant that is not known yet is looked up in that transaction, and the answer is not kept:
 * a sign-up sees its own tenant, and nobody else does until it is committed.
 *
 * @publicApi
 */
@Injectable()
export class TenantRegistry {
  readonly #cache: LookupCache<TenantRecord>;

  /** @internal */
  constructor(
    private readonly directory: TenantDirectory,
    private readonly options: TenantRegistryOptions,
  ) {
    this.#cache = new LookupCache(options);
  }

  /**
   * One tenant, suspended or not; nothing: there is none.
   *
   * @throws InvalidTenantIdError (an id that `schemaFor` makes no schema name of), TenantDirectoryError
   */
  async find(tenantId: string): Promise<TenantRecord | undefined> {
    if (!isTenantId(tenantId)) {
      return undefined;
    }
    const known = this.#cache.peek(tenantId);
    if (this.options.isInTransaction()) {
      return known?.value ?? this.lookUp(tenantId);
    }
    return known === undefined ? this.#cache.load(tenantId, () => this.lookUp(tenantId)) : known.value;
  }

  /**
   * A tenant that may be worked for. Without a promise where the answer is known, since this is on the way of every request.
   *
   * @throws InvalidTenantIdError, TenantNotFoundError, TenantSuspendedError, TenantDirectoryError
   */
  require(tenantId: string): TenantRecord | Promise<TenantRecord> {
    assertTenantId(tenantId);
    const known = this.#cache.peek(tenantId)?.value;
    return known === undefined ? this.find(tenantId).then((found) => usable(found, tenantId)) : usable(known, tenantId);
  }

  /**
   * All tenants, suspended ones included, straight from the directory. An entry that cannot be used comes as an
   * {@link InvalidTenant}, and the others after it.
   *
   * @throws TenantDirectoryError
   */
  async *list(): AsyncGenerator<ListedTenant> {
    try {
      for await (const entry of this.directory.list()) {
        yield this.toListed(entry);
      }
    } catch (error) {
      throw asDirectoryError(error, 'failed to list the tenants');
    }
  }

  /** Forgets what is known of a tenant, or of all: after it was made, suspended, moved or dropped. In this process alone. */
  invalidate(tenantId?: string): void {
    if (tenantId === undefined) {
      this.#cache.clear();
    } else {
      this.#cache.delete(tenantId);
    }
  }

  private async lookUp(tenantId: string): Promise<TenantRecord | undefined> {
    try {
      const entry = await inTime(this.directory.find(tenantId), this.options.timeoutMs);
      // A directory that compares ids in its own way, without regard to case say, has found somebody else.
      return entry?.tenantId === tenantId ? this.toRecord(entry) : undefined;
    } catch (error) {
      throw asDirectoryError(error, 'could not be asked', tenantId);
    }
  }

  private toListed(entry: TenantEntry): ListedTenant {
    try {
      return this.toRecord(entry);
    } catch (error) {
      const { tenantId, schema, ring, tags } = (entry ?? {}) as Partial<TenantEntry>;
      const id = typeof tenantId === 'object' ? '' : String(tenantId ?? '');
      return Object.freeze({
        tenantId: id,
        schema: typeof schema === 'string' ? schema : derive(id, this.options.schemaFor),
        state: 'invalid',
        ring: typeof ring === 'string' ? ring : undefined,
        tags: Object.freeze(isTexts(tags) ? [...tags] : []),
        error: asDirectoryError(error, 'has an entry that cannot be used', id),
      });
    }
  }

  private toRecord({ tenantId, schema, state, ring, tags }: TenantEntry): TenantRecord {
    assertTenantId(tenantId);
    if (schema != null) {
      assertSchemaName(schema);
    }
    if (state != null && state !== 'active' && state !== 'suspended') {
      throw new TypeError(
        `the state of tenant "${tenantId}" is "${String(state)}", and must be "active" or "suspended"`,
      );
    }
    if ((ring != null && typeof ring !== 'string') || (tags != null && !isTexts(tags))) {
      throw new TypeError(
        `the ring of tenant "${tenantId}" must be a text, and its tags an array of texts: cast them, as in ring::text, tags::text[]`,
      );
    }
    return Object.freeze({
      tenantId,
      schema: schema ?? schemaOf(tenantId, this.options.schemaFor),
      state: state ?? 'active',
      ring: ring ?? undefined,
      tags: Object.freeze([...(tags ?? [])]),
    });
  }
}

/** The name as `schemaFor` gives it, valid or not; empty where it refuses the id. */
function derive(tenantId: string, schemaFor: SchemaFor): string {
  try {
    return String(schemaFor(tenantId) ?? '');
  } catch {
    return '';
  }
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((element) => typeof element === 'string');

function usable(record: TenantRecord | undefined, tenantId: string): TenantRecord {
  if (record === undefined) {
    throw new TenantNotFoundError({ tenantId });
  }
  if (record.state === 'suspended') {
    throw new TenantSuspendedError({ tenantId, schema: record.schema });
  }
  return record;
}

/** Bad luck of the directory's is none of the caller's: 503, whatever it was. That an id can be nobody's is the caller's. */
function asDirectoryError(
  error: unknown,
  what: string,
  tenantId?: string,
): InvalidTenantIdError | TenantDirectoryError {
  if (error instanceof TenantDirectoryError || (error instanceof InvalidTenantIdError && tenantId !== undefined)) {
    return error;
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new TenantDirectoryError(`${what}: ${reason}`, { tenantId, cause: error });
}

async function inTime<T>(answer: T | Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([answer, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
