/** @publicApi */
export interface MigrationTarget {
  /**
   * The source of `to` and `steps`.
   * @default for `to` the one that has a migration of this name; for `steps` the only one there is
   */
  source?: string | undefined;
}

/** @publicApi */
export interface UpTarget extends MigrationTarget {
  /**
   * The last migration to run, by name. Other sources are left as they are then.
   * @default undefined: all migrations of all sources
   */
  to?: string | undefined;
}

/** Exactly one of `to` and `steps`. @publicApi */
export interface DownTarget extends MigrationTarget {
  /** The migration that stays the last one, by name; `0`: none stays, which needs `source` if there are several. */
  to?: string | 0 | undefined;
  /** How many migrations to take back. */
  steps?: number | undefined;
}

/** The newest migration that a tenant has, by source; `null`: none. @publicApi */
export type TenantVersion = Readonly<Record<string, string | null>>;
