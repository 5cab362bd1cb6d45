import type { Constructor, MigrationsOptions } from '@mikro-orm/core';
import type { Migration } from '@mikro-orm/migrations';

/** A migration under the name that the history records. @publicApi */
export interface NamedMigration {
  readonly name: string;
  readonly class: Constructor<Migration>;
}

/**
 * A list of migrations that each tenant has run through, with a history table of its own in each tenant's schema. Made by
 * {@link prismiqMigrations} and {@link hostMigrations}.
 *
 * @publicApi
 */
export interface MigrationSource {
  /** By which reports and the command call it, such as `prismiq`. */
  readonly name: string;
  /** The history table, in each tenant's schema. */
  readonly historyTable: string;
  /** The migrations, oldest first. Called once for each run. */
  load(): readonly NamedMigration[] | Promise<readonly NamedMigration[]>;
}

/** @publicApi */
export interface HostMigrationsOptions extends Pick<
  MigrationsOptions,
  'tableName' | 'migrationsList' | 'path' | 'pathTs' | 'glob'
> {
  /**
   * By which reports and the command call these migrations.
   * @default 'host'
   */
  name?: string | undefined;
}

// The two functions follow with the runner.
