import type { Constructor } from '@mikro-orm/core';
import { Migration } from '@mikro-orm/migrations';
import { SCHEMA_VERSIONS, type SchemaVersion, type TableNaming } from '../schema/schema-versions.js';

/** @publicApi */
export interface PrismiqMigration {
  /** The name that the history table records. */
  name: string;
  class: Constructor<Migration>;
}

/**
 * Prismiq's migrations for MikroORM's own migrator, oldest first, with unqualified names: they go where the migrator's `schema`
 * says. Use them with `migrations: { migrationsList: PRISMIQ_MIGRATIONS, tableName: PRISMIQ_HISTORY_TABLE }`.
 *
 * @publicApi
 */
export const PRISMIQ_MIGRATIONS: PrismiqMigration[] = SCHEMA_VERSIONS.map((version) => ({
  name: version.name,
  class: toMigration(version),
}));

function toMigration(version: SchemaVersion): Constructor<Migration> {
  const unqualified: TableNaming = (table) => table;
  return class extends Migration {
    override up(): void {
      version.up(unqualified).forEach((statement) => this.addSql(statement));
    }

    override down(): void {
      version.down(unqualified).forEach((statement) => this.addSql(statement));
    }
  };
}
