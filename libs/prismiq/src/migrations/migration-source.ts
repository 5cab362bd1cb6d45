import { Utils, type Constructor, type MigrationsOptions } from '@mikro-orm/core';
import type { Migration } from '@mikro-orm/migrations';
import { InvalidOptionsError } from '../errors/configuration.errors.js';
import { PRISMIQ_HISTORY_TABLE } from '../schema/history.js';
import { PRISMIQ_MIGRATIONS } from './prismiq-migrations.js';

/** A migration under the name that the history records. @publicApi */
export interface NamedMigration {
  readonly name: string;
  readonly class: Constructor<Migration>;
}

/**
 * A list of migrations that run in each tenant, with a history table of its own in each tenant's schema. Created by
 * {@link prismiqMigrations} and {@link hostMigrations}.
 *
 * @publicApi
 */
export interface MigrationSource {
  /** Its name in reports and in the command, such as `prismiq`. */
  readonly name: string;
  /** The history table, in each tenant's schema. */
  readonly historyTable: string;
  /** The migrations, oldest first. Called once for each run. */
  load(): readonly NamedMigration[] | Promise<readonly NamedMigration[]>;
}

/**
 * A `name` and MikroORM's `migrations` options. Those that do not say which migrations exist are ignored.
 *
 * @publicApi
 */
export interface HostMigrationsOptions extends MigrationsOptions {
  /**
   * The name of these migrations in reports and in the command.
   * @default 'host'
   */
  name?: string | undefined;
}

/** The name of the source of Prismiq's own migrations. */
export const PRISMIQ_SOURCE = 'prismiq';

/**
 * Prismiq's own migrations, for the `migrations` option of {@link TenantMigrator}.
 *
 * @publicApi
 */
export const prismiqMigrations = (): MigrationSource => ({
  name: PRISMIQ_SOURCE,
  historyTable: PRISMIQ_HISTORY_TABLE,
  load: () => PRISMIQ_MIGRATIONS,
});

/**
 * The host's migrations of its tenants' tables, for the `migrations` option of {@link TenantMigrator}: MikroORM migrations, with
 * unqualified table names, and a history that `npx mikro-orm migration:up --schema …` reads and writes as well.
 *
 * @param options MikroORM's `migrations` options, such as `orm.config.get('migrations')`
 * @publicApi
 */
export function hostMigrations(options: HostMigrationsOptions): MigrationSource {
  const { name = 'host', tableName = 'mikro_orm_migrations', migrationsList } = options;
  return {
    name,
    historyTable: tableName,
    load: async () =>
      migrationsList === undefined
        ? migrationFiles(options)
        : (migrationsList as unknown as readonly (NamedMigration | Constructor<Migration>)[]).map((migration) =>
            typeof migration === 'function'
              ? { name: getMigrationName(migration), class: migration }
              : { name: withoutExtension(migration.name), class: migration.class },
          ),
  };
}

/** MikroORM takes the name from an instance, where the class sets one, since a minifier may change the class's. */
const getMigrationName = (migration: Constructor<Migration>): string =>
  withoutExtension(new migration(undefined as never, undefined as never).name ?? migration.name);

/** As MikroORM does: the history has the same name for a source file and what it was compiled to. */
export const withoutExtension = (name: string): string => name.replace(/\.[jt]s$/, '');

/** Files are found and read by MikroORM's own functions, so that its migrator finds the same ones. */
async function migrationFiles(options: HostMigrationsOptions): Promise<NamedMigration[]> {
  const { fs } = await import('@mikro-orm/core/fs-utils');
  const { path = './migrations', pathTs = path, glob = '!(*.d).{js,ts,cjs}' } = options;
  const folder = fs.absolutePath(Utils.detectTypeScriptSupport() ? pathTs : path);
  const files = fs.glob(fs.normalizePath(folder, glob)).sort();
  if (files.length === 0) {
    throw invalid(
      `has no migrations in ${folder} (${glob}): the folder is missing or empty. Check \`path\`, and whether the migrations were ` +
        'compiled. If there are none yet, use `migrationsList: []`.',
    );
  }
  return Promise.all(files.map((file) => migrationFile(file, fs.dynamicImport)));
}

async function migrationFile(file: string, load: <T>(file: string) => Promise<T>): Promise<NamedMigration> {
  const exports = await load<Record<string, unknown>>(file).catch((cause: unknown) => {
    throw invalid(`cannot load ${file}: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  });
  const found = Object.values(exports).find((value) => typeof value === 'function');
  if (found === undefined) {
    throw invalid(`finds no migration in ${file}: it exports no class`);
  }
  const name = withoutExtension(file.replaceAll('\\', '/').split('/').at(-1)!);
  return { name, class: found as Constructor<Migration> };
}

const invalid = (problem: string, cause?: unknown): InvalidOptionsError =>
  new InvalidOptionsError('migrations', problem, { cause }, 'hostMigrations');
