import type { MikroORM } from '@mikro-orm/core';
import { Migrator } from '@mikro-orm/migrations';
import type { DatabaseSchema, SqlSchemaGenerator } from '@mikro-orm/postgresql';

/**
 * MikroORM's migrator, for `migrations: { includeWildcardSchema: true }`. MikroORM 7.2 leaves entities with `schema: '*'` out of its
 * snapshot, and replaces that by what it finds in the database after each run. The next `migration:create` would then create their
 * tables again, and drop the schemas of tenants. This one keeps them in the snapshot, and changes it only in `migration:create`.
 *
 * @example `defineConfig({ extensions: [WildcardSchemaMigrator], migrations: { includeWildcardSchema: true } })`
 * @publicApi
 */
export class WildcardSchemaMigrator extends Migrator {
  /** Called by MikroORM to create the extension. @internal */
  static override register(orm: MikroORM): void {
    orm.config.registerExtension('@mikro-orm/migrator', () => new WildcardSchemaMigrator(orm.em as never));
  }

  /** @param found what was found in the database after a run */
  protected override async storeCurrentSchema(found?: DatabaseSchema): Promise<void> {
    if (!this.options.includeWildcardSchema) {
      await super.storeCurrentSchema(found);
    } else if (found === undefined) {
      const generator = this.config.getExtension<SqlSchemaGenerator>('@mikro-orm/schema-generator')!;
      await super.storeCurrentSchema(generator.getTargetSchema(undefined, true));
    }
  }
}

// MikroORM recognizes a migrator by this name. Otherwise it adds its own.
Object.defineProperty(WildcardSchemaMigrator, 'name', { value: Migrator.name });
