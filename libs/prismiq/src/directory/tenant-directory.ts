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
 * A tenant, as {@link TenantRegistry} knows it: checked, and with all that an entry may leave out. Immutable.
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
