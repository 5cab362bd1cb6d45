import type { InvalidTenantIdError, TenantDirectoryError } from '../errors/tenancy.errors.js';

/** @publicApi */
export type TenantState = 'active' | 'suspended';

/**
 * What a directory knows of a tenant.
 *
 * @publicApi
 */
export interface TenantEntry {
  tenantId: string;
  /**
   * The PostgreSQL schema that holds the tenant's data.
   * @default what the `schemaFor` option derives from the id
   */
  schema?: string | null | undefined;
  /**
   * Whether the tenant may be worked for.
   * @default 'active'
   */
  state?: TenantState | null | undefined;
  /**
   * The group in which the tenant is migrated, such as `canary`.
   * @default undefined: the last one
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
 * An entry of the directory that no work can be done for, such as one whose id gives no valid schema name. It stands in the list
 * beside the other tenants, so that one bad row does not hide them. Immutable.
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
 * Knows which tenants there are. The `directory` option takes an instance, or an object with these two functions.
 *
 * Whatever it throws means that it is unavailable: nobody's existence is assumed then. Its answers are cached by
 * {@link TenantRegistry}, so it need not do that.
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
  /** One tenant; nothing: there is none of this id. Any text may be asked for. */
  abstract find(tenantId: string): TenantEntry | undefined | null | Promise<TenantEntry | undefined | null>;

  /** All tenants, those suspended included, in whatever order. */
  abstract list(): AsyncIterable<TenantEntry> | Iterable<TenantEntry>;
}

/** What the package hands to a directory that reads from the host's database. @publicApi */
export interface DirectorySource {
  /**
   * Sends one statement with bound values, inside the `em.transactional()` in which the call stands, if any: a tenant that is
   * just signing up is found there.
   */
  query<Row extends object>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  /** The `schemaFor` option. */
  readonly schemaFor: (tenantId: string) => string;
}

/** Makes a directory that reads from the host's database. @publicApi */
export type TenantDirectoryFactory = (source: DirectorySource) => TenantDirectory;
