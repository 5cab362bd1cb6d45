// A process of its own that migrates a fleet, again and again. It reads lines of JSON: the first says what it works with, each further
// one which way to run. It prints `ready`, the events of its runs, and how each run has ended.
import { createInterface } from 'node:readline';
import { Migration } from '@mikro-orm/migrations';
import { hostMigrations, prismiqMigrations, TenantMigrator, tenantsFromList } from '@prismiq/nestjs';
import pg from 'pg';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { url, name, schemas, migrations } = JSON.parse((await lines.next()).value);
const tell = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

const migrationsList = migrations.map(({ name, up, down = [], transactional = true }) => ({
  name,
  class: class extends Migration {
    up() {
      up.forEach((statement) => this.addSql(statement));
    }
    down() {
      down.forEach((statement) => this.addSql(statement));
    }
    isTransactional() {
      return transactional;
    }
  },
}));
const pool = new pg.Pool({ connectionString: url, max: 6, application_name: name });
pool.on('error', () => undefined);
// The test has ended.
process.stdout.on('error', () => process.exit());
const migrator = new TenantMigrator({
  database: pool,
  directory: tenantsFromList(schemas.map((schema) => ({ tenantId: schema, schema }))),
  migrations: [prismiqMigrations(), hostMigrations({ migrationsList })],
  lockTimeoutMs: 30_000,
  retries: 10,
});
tell({ type: 'ready' });
for await (const line of lines) {
  const { direction, to } = JSON.parse(line);
  try {
    const options = { concurrency: 4, onError: 'continue', onEvent: tell };
    await (direction === 'up'
      ? migrator.up({ ...options, createSchema: true })
      : migrator.down({ ...options, source: 'host', to, allowDataLoss: true }));
    tell({ type: 'ended' });
  } catch (error) {
    tell({ type: 'ended', error: String(error) });
  }
}
await pool.end();
