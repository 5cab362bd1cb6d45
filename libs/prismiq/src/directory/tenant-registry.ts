import { Injectable } from '@nestjs/common';
import {
  InvalidTenantIdError,
  TenantDirectoryError,
  TenantNotFoundError,
  TenantSuspendedError,
} from '../errors/tenancy.errors.js';
import { assertSchemaName } from '../schema/schema-name.js';
import { LookupCache, type CacheLimits } from './lookup-cache.js';
import { attempt } from './probe-schema-for.js';
import { deriveSchema, type SchemaFor } from './schema-for.js';
import { SchemaOwners, type SchemaConflict } from './schema-owners.js';
import type { ListedTenant, TenantDirectory, TenantEntry, TenantRecord } from './tenant-directory.js';
import { assertTenantId, isTenantId } from './tenant-id.js';

/** What a {@link TenantRegistry} needs besides the directory. */
export interface TenantRegistryOptions extends CacheLimits {
  readonly schemaFor: SchemaFor;
  /** The time limit of a look-up, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether the caller is in a transaction of the host. */
  readonly isInTransaction: () => boolean;
}

/**
 * The tenants of the host's {@link TenantDirectory}, checked and cached. Every tenant context begins with a look-up here.
 *
 * Inside a transaction of the host, a tenant that is not cached is looked up in that transaction, and the answer is not cached:
 * a sign-up sees its own tenant, which nobody else sees before the commit.
 *
 * @publicApi
 */
@Injectable()
export class TenantRegistry {
  readonly #cache: LookupCache<TenantRecord>;
  readonly #owners: SchemaOwners;

  /** @internal */
  constructor(
    private readonly directory: TenantDirectory,
    private readonly options: TenantRegistryOptions,
  ) {
    this.#cache = new LookupCache(options);
    this.#owners = new SchemaOwners(options.schemaFor, options.maxEntries);
  }

  /**
   * Finds a tenant, suspended or not.
   *
   * @returns `undefined` if there is none
   * @throws InvalidTenantIdError (an id that gives no valid schema name), TenantDirectoryError (also if the tenant would work in the
   *   schema of another one)
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
   * Finds a tenant that is active. It returns no promise if the answer is cached, since every request comes through here.
   *
   * @throws InvalidTenantIdError, TenantNotFoundError, TenantSuspendedError, TenantDirectoryError
   */
  require(tenantId: string): TenantRecord | Promise<TenantRecord> {
    assertTenantId(tenantId);
    const known = this.#cache.peek(tenantId)?.value;
    return known === undefined
      ? this.find(tenantId).then((found) => requireActive(found, tenantId))
      : requireActive(known, tenantId);
  }

  /**
   * All tenants, suspended ones included, straight from the directory. An entry that cannot be used comes as an
   * {@link InvalidTenant}, and the others after it.
   *
   * @throws TenantDirectoryError
   */
  async *list(): AsyncGenerator<ListedTenant> {
    const owners = new SchemaOwners(this.options.schemaFor);
    try {
      for await (const entry of this.directory.list()) {
        yield this.toListed(entry, owners);
      }
    } catch (error) {
      throw asDirectoryError(error, 'failed to list the tenants');
    }
  }

  /** Drops a tenant, or all, from the cache of this process: call it after a tenant was created, suspended, moved or dropped. */
  invalidate(tenantId?: string): void {
    if (tenantId === undefined) {
      this.#cache.clear();
    } else {
      this.#cache.delete(tenantId);
    }
  }

  private async lookUp(tenantId: string): Promise<TenantRecord | undefined> {
    try {
      const found = await this.ask(tenantId);
      if (found !== undefined) {
        await this.assertOwnSchema(found);
      }
      return found?.record;
    } catch (error) {
      throw asDirectoryError(error, 'could not be asked', tenantId);
    }
  }

  private async ask(tenantId: string): Promise<CheckedEntry | undefined> {
    const entry = await withTimeout(this.directory.find(tenantId), this.options.timeoutMs);
    // A directory that compares ids in its own way, such as without regard to case, has found another tenant.
    return entry?.tenantId === tenantId ? this.check(entry) : undefined;
  }

  /** Another tenant that was seen in the schema counts only while the directory still has it there. */
  private async assertOwnSchema({ record, isDerived }: CheckedEntry): Promise<void> {
    const { tenantId, schema } = record;
    const conflict = isDerived ? this.#owners.claim(tenantId, schema) : undefined;
    if (conflict === undefined) {
      return;
    }
    const owner = await this.ask(conflict.owner);
    if (owner?.isDerived && owner.record.schema === schema) {
      throw conflictError(conflict, record);
    }
    this.#owners.release(schema);
    await this.assertOwnSchema({ record, isDerived });
  }

  private toListed(entry: TenantEntry, owners: SchemaOwners): ListedTenant {
    try {
      const { record, isDerived } = this.check(entry);
      const conflict = isDerived ? owners.claim(record.tenantId, record.schema) : undefined;
      if (conflict !== undefined) {
        throw conflictError(conflict, record);
      }
      return record;
    } catch (error) {
      const { tenantId, schema, ring, tags } = (entry ?? {}) as Partial<TenantEntry>;
      const id = typeof tenantId === 'object' ? '' : String(tenantId ?? '');
      return Object.freeze({
        tenantId: id,
        schema: typeof schema === 'string' ? schema : String(attempt(this.options.schemaFor, id) ?? ''),
        state: 'invalid',
        ring: typeof ring === 'string' ? ring : undefined,
        tags: Object.freeze(isTexts(tags) ? [...tags] : []),
        error: asDirectoryError(error, 'has an entry that cannot be used', id),
      });
    }
  }

  private check({ tenantId, schema, state, ring, tags }: TenantEntry): CheckedEntry {
    assertTenantId(tenantId);
    if (schema != null) {
      assertSchemaName(schema);
    }
    if (state != null && state !== 'active' && state !== 'suspended') {
      throw new TypeError(
        `the state of tenant "${tenantId}" is "${String(state)}", but must be "active" or "suspended"`,
      );
    }
    if ((ring != null && typeof ring !== 'string') || (tags != null && !isTexts(tags))) {
      throw new TypeError(
        `the ring of tenant "${tenantId}" must be a string, and its tags an array of strings: cast them, as in ring::text, tags::text[]`,
      );
    }
    const record: TenantRecord = Object.freeze({
      tenantId,
      schema: schema ?? deriveSchema(tenantId, this.options.schemaFor),
      state: state ?? 'active',
      ring: ring ?? undefined,
      tags: Object.freeze([...(tags ?? [])]),
    });
    return { record, isDerived: schema == null };
  }
}

interface CheckedEntry {
  readonly record: TenantRecord;
  /** Whether `schemaFor` has given the schema. */
  readonly isDerived: boolean;
}

const conflictError = ({ problem }: SchemaConflict, { tenantId, schema }: TenantRecord): TenantDirectoryError =>
  new TenantDirectoryError(problem, { tenantId, schema });

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((element) => typeof element === 'string');

function requireActive(record: TenantRecord | undefined, tenantId: string): TenantRecord {
  if (record === undefined) {
    throw new TenantNotFoundError({ tenantId });
  }
  if (record.state === 'suspended') {
    throw new TenantSuspendedError({ tenantId, schema: record.schema });
  }
  return record;
}

/** Every failure of the directory is a 503. Only an id that no tenant can have is the caller's fault. */
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

async function withTimeout<T>(answer: T | Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([answer, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
