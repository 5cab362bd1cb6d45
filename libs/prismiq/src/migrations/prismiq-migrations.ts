import type { Constructor } from '@mikro-orm/core';
import { Migration } from '@mikro-orm/migrations';
import { quoteIdentifier } from '../sql/identifier.js';
import { SCHEMA_VERSIONS, type SchemaVersion, type TableNaming } from '../schema/schema-versions.js';

/** @publicApi */
export interface PrismiqMigration {
  /** The name that the history table records. */
  name: string;
  class: Constructor<Migration>;
}

/**
 * Prismiq's migrations for MikroORM's own migrator, oldest first, with unqualified names: the migrator's `schema` says where
 * they go. Use them with `migrations: { migrationsList: PRISMIQ_MIGRATIONS, tableName: PRISMIQ_HISTORY_TABLE }`.
 *
 * @publicApi
 */
export const PRISMIQ_MIGRATIONS: PrismiqMigration[] = SCHEMA_VERSIONS.map((version) => ({
  name: version.name,
  class: toMigration(version),
}));

/** The member of `config` with the schema that the statements name. Only TenantMigrator sets it; MikroORM's migrator does not. */
export const NAMED_SCHEMA = Symbol('prismiq schema');

function toMigration(version: SchemaVersion): Constructor<Migration> {
  return class extends Migration {
    override up(): void {
      version.up(this.table).forEach((statement) => this.addSql(statement));
    }

    override down(): void {
      version.down(this.table).forEach((statement) => this.addSql(statement));
    }

    private readonly table: TableNaming = (table) => {
      const schema = (this.config as { [NAMED_SCHEMA]?: string })[NAMED_SCHEMA];
      return schema === undefined ? table : `${quoteIdentifier(schema)}.${table}`;
    };
  };
}
