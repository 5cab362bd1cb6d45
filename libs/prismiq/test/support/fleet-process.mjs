// A process of its own that migrates a fleet: told what by a line of JSON, it says `ready`, begins at the next line, and prints its events.
import { createInterface } from 'node:readline';
import { Migration } from '@mikro-orm/migrations';
import { hostMigrations, prismiqMigrations, TenantMigrator, tenantsFromList } from '@prismiq/nestjs';
import pg from 'pg';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { url, schemas, migrations, concurrency } = JSON.parse((await lines.next()).value);

const migrationsList = migrations.map(({ name, statements }) => ({
  name,
  class: class extends Migration {
    up() {
      statements.forEach((statement) => this.addSql(statement));
    }
  },
}));
const pool = new pg.Pool({ connectionString: url, max: concurrency + 2 });
pool.on('error', () => undefined);
const migrator = new TenantMigrator({
  database: pool,
  directory: tenantsFromList(schemas.map((schema) => ({ tenantId: schema, schema }))),
  migrations: [prismiqMigrations(), hostMigrations({ migrationsList })],
});
console.log('ready');
await lines.next();
await migrator.up({ concurrency, createSchema: true, onEvent: (event) => console.log(JSON.stringify(event)) });
await pool.end();
process.exit();
