/** The newest migration of a tenant for each source, `null` if it has none. Empty if the tenant could not be read. @publicApi */
export type TenantVersion = Readonly<Record<string, string | null>>;

/** @publicApi */
export interface MigrationTarget {
  /**
   * The source of `to` and `steps`.
   * @default for `to` the source with a migration of this name; for `steps` the only source
   */
  source?: string | undefined;
}

/** @publicApi */
export interface UpTarget extends MigrationTarget {
  /**
   * The last migration to run, by name. Other sources stay where they are.
   * @default all migrations of all sources
   */
  to?: string | undefined;
}

/** Exactly one of `to` and `steps`. @publicApi */
export interface DownTarget extends MigrationTarget {
  /** The name of the last migration to keep. `0` keeps none, and needs `source` if there are several. */
  to?: string | 0 | undefined;
  /**
   * How many migrations to take back, counted from what each tenant has when the run reaches it. After a run that was killed, `to`
   * takes back what is left, whereas `steps` counts again.
   */
  steps?: number | undefined;
}
