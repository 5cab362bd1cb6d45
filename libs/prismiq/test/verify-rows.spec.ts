import { Pool } from 'pg';
import { ensureTables, TenantMigrator, tenantsFromList } from '@prismiq/nestjs';
import { TestDatabase } from '../../../test/support/test-database.js';

describe('verify looks at the rows', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
    for (const schema of ['tenant_acme', 'tenant_globex', 'tenant_initech', 'everybody']) {
      await ensureTables(database.pool, { schema, createSchema: true });
    }
    await insert('tenant_acme', 'acme', 'globex');
    await insert('tenant_globex', 'globex');
  });
  afterAll(() => database.close());

  const insert = async (schema: string, ...tenants: string[]) => {
    for (const tenantId of tenants) {
      await database.query(`INSERT INTO ${schema}.prismiq_dashboards (tenant_id, name) VALUES ($1, 'Sales')`, [
        tenantId,
      ]);
      await database.query(
        `INSERT INTO ${schema}.prismiq_saved_queries (tenant_id, name, query) VALUES ($1, 'Orders', '{}')`,
        [tenantId],
      );
    }
  };
  const verify = async (tenants: Parameters<typeof tenantsFromList>[0], pool = database.pool) => {
    const directory = tenantsFromList(tenants);
    const { findings } = await new TenantMigrator({ database: pool, directory }).verify();
    return findings.map(({ tenantId, message }) => [tenantId, message]);
  };

  it('reports rows of another tenant, and no others', async () => {
    const findings = await verify(['acme', 'globex', 'initech']);
    expect(findings).toEqual([
      [
        'acme',
        expect.stringMatching(/"tenant_acme" belongs to tenant "acme", but prismiq_dashboards has rows of "globex"/),
      ],
    ]);
    expect(findings[0]![1]).toMatch(/prismiq_saved_queries has rows of "globex"/);
  });

  it('knows all tenants that share a schema, also those that are not selected', async () => {
    await insert('everybody', 'a', 'b', 'stray');
    const shared = ['a', 'b', 'c'].map((tenantId) => ({ tenantId, schema: 'everybody' }));
    expect(await verify(shared)).toEqual([
      ['a', expect.stringMatching(/belongs to its tenants, but .* has rows of "stray"/)],
    ]);
    await database.query(`DELETE FROM everybody.prismiq_dashboards WHERE tenant_id = 'stray';
      DELETE FROM everybody.prismiq_saved_queries WHERE tenant_id = 'stray'`);
    expect(await verify(shared)).toEqual([]);
    const migrator = new TenantMigrator({ database: database.pool, directory: tenantsFromList(shared) });
    expect((await migrator.verify({ tenants: ['b'] })).findings).toEqual([]);
  });

  it('finds the rows of a tenant whose schema was renamed by hand', async () => {
    await ensureTables(database.pool, { schema: 'tenant_hooli', createSchema: true });
    await insert('tenant_hooli', 'hooli');
    await database.query('ALTER SCHEMA tenant_hooli RENAME TO tenant_hooli_old');
    expect(await verify(['hooli'])).toEqual([
      ['hooli', expect.stringMatching(/does not exist.*ALTER SCHEMA "tenant_hooli_old" RENAME TO "tenant_hooli"/s)],
    ]);
    // By the catalog, the new name is a tenant's.
    const { findings } = await new TenantMigrator({ database: database.pool }).verify({ tenants: ['hooli_old'] });
    expect(findings).toMatchObject([{ tenantId: 'hooli_old', message: expect.stringMatching(/rows of "hooli"/) }]);
  });

  it('reports row security that hides rows from the role, also if its policy fails', async () => {
    const role = `reader_${database.name.slice(-8)}`;
    await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'reader';
      GRANT USAGE ON SCHEMA tenant_globex, tenant_initech TO ${role};
      GRANT SELECT ON ALL TABLES IN SCHEMA tenant_globex, tenant_initech TO ${role};
      ALTER TABLE tenant_globex.prismiq_dashboards ENABLE ROW LEVEL SECURITY;
      CREATE POLICY mine ON tenant_globex.prismiq_dashboards USING (tenant_id = current_setting('app.tenant'))`);
    const url = new URL(database.url);
    [url.username, url.password] = [role, 'reader'];
    const pool = new Pool({ connectionString: url.href });
    try {
      expect(await verify(['globex', 'initech'], pool)).toEqual([
        ['globex', expect.stringMatching(/Row security hides rows of prismiq_dashboards from this role/)],
      ]);
      expect(await verify(['globex', 'initech'])).toEqual([]); // the owner
    } finally {
      await pool.end();
      await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });
});
