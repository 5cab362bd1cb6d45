import type { TestDatabase } from '../../../../test/support/test-database.js';
import type { CommandHost } from './command.js';

/** A host with a table of customers, and tenant migrations of its own in addition to Prismiq's. */
export class Customers {
  constructor(
    readonly database: TestDatabase,
    readonly host: CommandHost,
  ) {}

  /**
   * Writes the configuration.
   *
   * @param migrations the bodies of the host's own migrations, each a method `up() { … }`, and optionally a `down() { … }`
   * @param settings more members of the configuration
   */
  async configure(migrations: string[] = [], settings = ''): Promise<void> {
    const list = migrations.map(
      (body, index) => `{ name: 'app_000${index + 1}', class: class extends Migration { ${body} } }`,
    );
    await this.host.write(
      'prismiq.config.ts',
      `import { Migration } from '@mikro-orm/migrations';
       import { definePrismiqConfig, hostMigrations, prismiqMigrations, tenantsFromQuery } from '@prismiq/nestjs';
       export default definePrismiqConfig({
         directory: tenantsFromQuery('SELECT id AS "tenantId", ring, tags FROM public.customers'),
         migrations: [prismiqMigrations(), hostMigrations({ name: 'app', tableName: 'app_migrations', migrationsList: [${list.join(', ')}] })],
         rings: ['canary', 'early'],
         ${settings}
       });`,
    );
  }

  /** Creates the customers, and drops the schemas of the previous ones. */
  async populate(ids: string[], getRing: (id: string) => string | undefined = () => undefined): Promise<void> {
    await this.database.query('CREATE TABLE IF NOT EXISTS customers (id text PRIMARY KEY, ring text, tags text[])');
    const before = await this.database.query<{ id: string }>('DELETE FROM customers RETURNING id');
    for (const { id } of before) {
      await this.database.query(`DROP SCHEMA IF EXISTS "tenant_${id}" CASCADE`);
    }
    for (const id of ids) {
      await this.database.query('INSERT INTO customers VALUES ($1, $2, $3)', [id, getRing(id) ?? null, [id[0]]]);
    }
  }

  /** The host's migrations that each tenant's history records, by tenant. */
  async histories(ids: string[]): Promise<Record<string, string[] | undefined>> {
    const histories: Record<string, string[] | undefined> = {};
    for (const id of ids) {
      const rows = await this.database
        .query<{ name: string }>(`SELECT name FROM "tenant_${id}".app_migrations ORDER BY id`)
        .catch(() => undefined);
      histories[id] = rows?.map(({ name }) => name);
    }
    return histories;
  }
}

export const ids = (count: number, prefix = 'acme'): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}_${String(index + 1).padStart(2, '0')}`);
