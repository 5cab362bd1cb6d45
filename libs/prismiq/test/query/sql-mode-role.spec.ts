import { readFile } from 'node:fs/promises';
import { Pool } from 'pg';
import { loadSqlGrammar } from '../../src/sql/statements/grammar.js';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { ALLOWED } from './sql-mode.table.js';
import { accepted, createWorld, VISIBLE } from './sql-mode.world.js';

/** The script for the role, from the guide. */
async function readScript(names: Readonly<Record<string, string>>): Promise<string> {
  const guide = await readFile(new URL('../../docs/sql-mode.md', import.meta.url), 'utf8');
  const [, script] = /## The role is the border.*?```sql\n(.*?)```/s.exec(guide)!;
  return Object.entries(names).reduce((script, [name, ours]) => script.replaceAll(name, ours), script!);
}

let database: TestDatabase;
let reader: Pool;
let role: string;

beforeAll(async () => {
  await loadSqlGrammar();
  database = await TestDatabase.create();
  await createWorld(database);
  role = database.name.replace('prismiq_test', 'reader');
  const script = await readScript({
    prismiq_reader: role,
    'DATABASE app': `DATABASE ${database.name}`,
    tenant_acme: 'tenant_a',
    '(id, status, total, placed_at)': `(${VISIBLE['orders']!.join(', ')})`,
    'tenant_a.customers': 'tenant_a.customers, tenant_a."Order Items"',
  });
  await database.query(`
    ${script}
    REVOKE SELECT ON tenant_a.customers, tenant_a."Order Items" FROM ${role};
    GRANT SELECT (id, name, country) ON tenant_a.customers TO ${role};
    GRANT SELECT ("Order", "Unit Price", "Größe", upper, "select") ON tenant_a."Order Items" TO ${role}`);
  const url = new URL(database.url);
  url.username = role;
  url.password = 'from your secret store';
  reader = new Pool({ connectionString: url.href, max: 2 });
});
afterAll(async () => {
  await reader.end();
  await database.close();
  const admin = new Pool({ connectionString: process.env['DATABASE_URL'], max: 1 });
  await admin.query(`DROP ROLE ${role}`);
  await admin.end();
});

describe('the role of the guide', () => {
  it('may run every text that is allowed', async () => {
    for (const [text, params = {}] of ALLOWED) {
      const { sql, parameters } = accepted(text, { params });
      await expect(reader.query(sql, [...parameters])).resolves.toBeDefined();
    }
  });

  it.each([
    'SELECT margin FROM tenant_a.orders',
    'SELECT * FROM tenant_a.orders',
    'SELECT o FROM tenant_a.orders o',
    'SELECT * FROM tenant_a.salaries',
    'SELECT * FROM tenant_a.prismiq_dashboards',
    'SELECT id FROM tenant_b.orders',
    "SELECT query_to_xml('SELECT 1', true, false, '')",
    "SELECT ts_stat('SELECT 1')",
    "SELECT pg_read_file('PG_VERSION')",
    'SELECT pg_sleep(0)',
    "SELECT pg_notify('a', 'b')",
    "SELECT nextval('tenant_a.counter')",
    'SELECT lo_create(0)',
    'SET TRANSACTION READ WRITE; DELETE FROM tenant_a.orders',
    'SET TRANSACTION READ WRITE; CREATE TEMP TABLE x (a int)',
    'SET TRANSACTION READ WRITE; CREATE TABLE public.x (a int)',
    'SET ROLE postgres',
    "SET temp_file_limit = '100GB'",
  ])('may not run %s', async (text) => {
    await expect(reader.query(text)).rejects.toMatchObject({ code: '42501' });
  });
});
