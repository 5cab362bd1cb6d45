import type { InvalidTenantIdError, TenantDirectoryError } from '../errors/tenancy.errors.js';

/** @publicApi */
export type TenantState = 'active' | 'suspended';

/**
 * A tenant, as a directory describes it.
 *
 * @publicApi
 */
export interface TenantEntry {
  tenantId: string;
  /**
   * The PostgreSQL schema that holds the tenant's data.
   * @default derived from the id by the `schemaFor` option
   */
  schema?: string | null | undefined;
  /**
   * Whether the tenant is served. Suspended ones are migrated, and get 403 otherwise.
   * @default 'active'
   */
  state?: TenantState | null | undefined;
  /**
   * The group with which the tenant is migrated, such as `canary`.
   * @default undefined: the last group
   */
  ring?: string | null | undefined;
  /**
   * Labels by which tenants can be selected.
   * @default []
   */
  tags?: readonly string[] | null | undefined;
}

/**
 * A tenant, as {@link TenantRegistry} knows it: checked, with defaults for what its entry leaves out. Immutable.
 *
 * @publicApi
 */
export interface TenantRecord {
  readonly tenantId: string;
  /** The PostgreSQL schema, unquoted. */
  readonly schema: string;
  readonly state: TenantState;
  readonly ring: string | undefined;
  readonly tags: readonly string[];
}

/**
 * An unusable entry of the directory, such as one whose id gives no valid schema name. It is listed
 * with the other tenants, so that one bad row does not hide them. Immutable.
 *
 * @publicApi
 */
export interface InvalidTenant {
  /** The id as the directory has it; empty if it has none. */
  readonly tenantId: string;
  /** The name that the directory gives or `schemaFor` derives; empty if there is none. Not checked: never use it in SQL. */
  readonly schema: string;
  readonly state: 'invalid';
  /** As the directory has it, unless it is not a string. */
  readonly ring: string | undefined;
  /** As the directory has them, unless they are not strings. */
  readonly tags: readonly string[];
  /** What is wrong with the entry, and what to do. */
  readonly error: InvalidTenantIdError | TenantDirectoryError;
}

/** What {@link TenantRegistry.list} yields; `state` tells which of the two it is. @publicApi */
export type ListedTenant = TenantRecord | InvalidTenant;

/**
 * Finds and lists tenants. The `directory` option takes an instance, or an object with these two functions.
 *
 * Any error that it throws means that it is unavailable, and callers get 503. {@link TenantRegistry} caches its answers.
 *
 * @example
 * ```ts
 * class CustomerDirectory extends TenantDirectory {
 *   find = (tenantId: string) => this.customers.findOne({ tenantId });
 *   list = () => this.customers.stream();
 * }
 * ```
 * @publicApi
 */
export abstract class TenantDirectory {
  /** Finds a tenant by its id, which may be any string. */
  abstract find(tenantId: string): TenantEntry | undefined | null | Promise<TenantEntry | undefined | null>;

  /** Lists all tenants, suspended ones included, in any order. */
  abstract list(): AsyncIterable<TenantEntry> | Iterable<TenantEntry>;
}

/** What a directory needs to read from the host's database. @publicApi */
export interface DirectorySource {
  /**
   * Sends one statement with bound values. Inside `em.transactional()` it is part of that transaction, so that a tenant that is
   * signing up is found.
   */
  query<Row extends object>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  /** The `schemaFor` option. */
  readonly schemaFor: (tenantId: string) => string;
}

/** Creates a directory that reads from the host's database. @publicApi */
export type TenantDirectoryFactory = (source: DirectorySource) => TenantDirectory;
