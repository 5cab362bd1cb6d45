import { verifyTables } from '@prismiq/nestjs';
import { describeCatalog } from '../../../test/support/catalog.js';
import { pythonRows, sqlAlchemyTables } from '../../../test/support/sqlalchemy-tables.js';
import { TABLES_MD } from '../../../test/support/tables-md.js';
import { TestDatabase } from '../../../test/support/test-database.js';
import { Fleet, Log, ORDERS, withHost } from './support/fleet.js';

describe('repair of all tenants', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.close());

  const ours = async (schema: string) =>
    (await describeCatalog(database, schema)).filter((line) => line.includes('prismiq')).toSorted();

  it('adopts tables created by SQLAlchemy, shows the statements first, and leaves the rows unchanged', async () => {
    const fleet = new Fleet(database, 'python', 3);
    for (const { tenantId } of fleet.entries) {
      const schema = fleet.schemaFor(tenantId);
      await database.query(`CREATE SCHEMA ${schema}; ${sqlAlchemyTables(schema)}; ${pythonRows(schema, tenantId)}`);
    }
    const migrator = fleet.migrator({ migrations: withHost(ORDERS) });
    const versions = () => database.query('SELECT ctid, xmin, id FROM python_001.prismiq_dashboards');
    const before = await versions();

    const refused = await migrator.up({ onError: 'continue' });
    expect(refused.counts.failed).toBe(3);
    expect(refused.failures[0]!.message).toMatch(/All of this can be repaired.*--repair.*up\(\{ repair: true \}\)/s);
    const { findings } = await migrator.verify();
    expect(findings[0]!.message).toMatch(/can be repaired without changing a row/);
    expect((await migrator.plan()).blocked).toHaveLength(3);

    const plan = await migrator.plan({ repair: true });
    expect(plan).toMatchObject({ affected: 3, blocked: [] });
    expect(plan.groups).toHaveLength(1);
    expect(plan.groups[0]!.repairs).toContain(
      'ALTER TABLE prismiq_dashboards ALTER COLUMN "id" SET DEFAULT gen_random_uuid()',
    );
    expect(plan.groups[0]!.repairs).toHaveLength(15);

    const log = new Log();
    expect((await migrator.up({ repair: true, onEvent: log.onEvent })).counts).toMatchObject({ migrated: 3 });
    expect(log.result('001').repairs).toHaveLength(15);
    expect(await ours('python_001')).toEqual(TABLES_MD.toSorted());
    expect(await versions()).toEqual(before);
    expect((await migrator.status()).upToDate).toBe(true);
    expect((await migrator.up({ repair: true })).counts).toMatchObject({ unchanged: 3 });
  });

  it('repairs drifted tables, creates a missing one, and fails only the tenant that cannot be repaired', async () => {
    const fleet = new Fleet(database, 'drift', 4);
    const migrator = fleet.migrator();
    await migrator.up({ createSchema: true });
    await database.query(`
      ALTER TABLE drift_000.prismiq_dashboards ALTER name TYPE varchar(100), ALTER is_public DROP DEFAULT;
      DROP INDEX drift_000.idx_widgets_dashboard_id;
      DROP TABLE drift_001.prismiq_dashboards CASCADE;
      ALTER TABLE drift_002.prismiq_widgets ALTER position TYPE json, ALTER config DROP DEFAULT`);
    const before = await ours('drift_002');
    const plan = await migrator.plan({ repair: true });
    expect(plan.blocked).toMatchObject([
      { tenantId: '002', message: expect.stringMatching(/position: its rows must be/) },
    ]);
    expect(plan.groups.map(({ tenants }) => tenants)).toEqual([['000'], ['001']]);
    const report = await migrator.up({ repair: true, onError: 'continue' });
    expect(report.counts).toMatchObject({ repaired: 2, failed: 1, unchanged: 1 });
    expect(report.failures).toMatchObject([{ tenantId: '002', code: 'SCHEMA_MISMATCH' }]);
    expect(await ours('drift_002')).toEqual(before);
    for (const schema of ['drift_000', 'drift_001']) {
      expect(await verifyTables(database.pool, { schema })).toEqual([]);
      expect(await ours(schema)).toEqual(TABLES_MD.toSorted());
    }
  });
});
