import fc from 'fast-check';
import { ensureTables, SchemaMismatchError, verifyTables } from '@prismiq/nestjs';
import { describeCatalog } from '../../../test/support/catalog.js';
import { pythonRows, sqlAlchemyTables, sqlAlchemyTablesByConvention } from '../../../test/support/sqlalchemy-tables.js';
import { TABLES_MD } from '../../../test/support/tables-md.js';
import { TestDatabase } from '../../../test/support/test-database.js';

const TABLES = ['prismiq_dashboards', 'prismiq_widgets', 'prismiq_saved_queries'];

describe('repair of the tables', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  beforeEach(() => database.query('DROP SCHEMA IF EXISTS shop CASCADE; CREATE SCHEMA shop'));
  afterAll(() => database.close());

  const ensure = (repair: boolean) => ensureTables(database.pool, { schema: 'shop', repair });
  const refusal = async (repair: boolean) => {
    const error = await ensure(repair).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(SchemaMismatchError);
    return error as SchemaMismatchError;
  };

  /** Where each row is stored, and since which transaction: a row that was written again is elsewhere. */
  const rowVersions = () =>
    database.query(TABLES.map((name) => `SELECT '${name}', ctid, xmin, id FROM shop.${name}`).join(' UNION ALL '));

  describe.each([
    ['create_all', sqlAlchemyTables],
    ['a naming convention', sqlAlchemyTablesByConvention],
  ])('that SQLAlchemy has made by %s', (_, tables) => {
    it('repairs them, and leaves the rows unchanged', async () => {
      await database.query(tables('shop') + pythonRows('shop', 'acme'));
      const before = await rowVersions();
      expect((await refusal(false)).message).toMatch(/All of this can be repaired without changing a row/);
      const { repairs } = await ensure(true);
      expect(repairs!.length).toBeGreaterThanOrEqual(15);
      expect(await describeCatalog(database, 'shop')).toEqual(TABLES_MD);
      expect(await rowVersions()).toEqual(before);
      expect(await ensure(true)).toEqual({ schema: 'shop', created: false });
    });
  });

  it('lists the missing defaults of create_all, and adds no index that exists under another name', async () => {
    await database.query(sqlAlchemyTables('shop'));
    const { differences } = await refusal(false);
    expect(differences.filter(({ actual }) => actual !== undefined)).toHaveLength(15);
    await database.query('DROP SCHEMA shop CASCADE; CREATE SCHEMA shop');
    await database.query(sqlAlchemyTablesByConvention('shop'));
    const { repairs } = await ensure(true);
    expect(repairs!.filter((sql) => /RENAME/.test(sql))).toHaveLength(10);
    expect(repairs!.filter((sql) => /CREATE INDEX|ADD CONSTRAINT/.test(sql))).toEqual([
      expect.stringContaining('idx_dashboards_tenant_updated_at'),
    ]);
  });

  it.each([
    [
      'ids that are numbers',
      'ALTER TABLE shop.prismiq_saved_queries DROP COLUMN id, ADD COLUMN id serial PRIMARY KEY',
      /prismiq_saved_queries\.id: its ids are numbers.*copy the rows, each with a new id/,
    ],
    [
      'a text that would be cut',
      'ALTER TABLE shop.prismiq_dashboards ALTER name TYPE text',
      /prismiq_dashboards\.name: its values may be longer\. .*ALTER TABLE "shop"\."prismiq_dashboards" ALTER COLUMN "name" TYPE character varying\(255\)/,
    ],
    [
      'json',
      'ALTER TABLE shop.prismiq_widgets ALTER position TYPE json',
      /rows must be rewritten.*TYPE jsonb USING "position"::jsonb/,
    ],
    [
      'times without a zone',
      'ALTER TABLE shop.prismiq_widgets ALTER created_at TYPE timestamp',
      /if its times are those of UTC: .*USING "created_at" AT TIME ZONE 'UTC'/,
    ],
    [
      'an array of another type',
      'ALTER TABLE shop.prismiq_dashboards ALTER allowed_viewers TYPE varchar[]',
      /rows must be rewritten.*TYPE text\[\]/,
    ],
    [
      'a column that is generated',
      `ALTER TABLE shop.prismiq_dashboards DROP COLUMN is_public, ADD COLUMN is_public boolean NOT NULL GENERATED ALWAYS AS (true) STORED`,
      /is_public: PostgreSQL computes its values/,
    ],
    [
      'a column that needs a value in each row',
      'ALTER TABLE shop.prismiq_widgets DROP COLUMN title',
      /title: it needs a value in each row.*ADD COLUMN "title" character varying\(255\) not null/,
    ],
    [
      'a foreign column without a default',
      'ALTER TABLE shop.prismiq_dashboards ADD COLUMN folder text NOT NULL',
      /folder: Prismiq does not know it.*ALTER COLUMN "folder" DROP NOT NULL/,
    ],
    [
      'a check of the host',
      `ALTER TABLE shop.prismiq_dashboards ADD CONSTRAINT short CHECK (length(name) < 9)`,
      /short: it may refuse what Prismiq writes.*DROP CONSTRAINT "short"/,
    ],
    [
      'a unique index of the host',
      'CREATE UNIQUE INDEX one_title ON shop.prismiq_widgets (title)',
      /one_title: it may refuse what Prismiq writes.*DROP INDEX "shop"\."one_title"/,
    ],
    [
      'another primary key',
      `ALTER TABLE shop.prismiq_widgets DROP CONSTRAINT prismiq_widgets_pkey, ADD CONSTRAINT prismiq_widgets_pkey PRIMARY KEY (id, dashboard_id)`,
      /other tables may refer to the key/,
    ],
    [
      'a view',
      'DROP TABLE shop.prismiq_saved_queries; CREATE VIEW shop.prismiq_saved_queries AS SELECT 1 AS id',
      /it is a view\. Move it out of the way/,
    ],
  ])('refuses %s, says what to do, and changes nothing', async (_, spoil, advice) => {
    await ensure(false);
    await database.query(spoil);
    await database.query('DROP INDEX shop.idx_widgets_dashboard_id'); // which can be repaired
    const before = await describeCatalog(database, 'shop');
    const { message } = await refusal(true);
    expect(message).toMatch(/Not repaired automatically:/);
    expect(message).toMatch(advice);
    expect(await describeCatalog(database, 'shop')).toEqual(before);
  });

  it('changes nothing if a row violates a missing constraint', async () => {
    await ensure(false);
    await database.query(pythonRows('shop', 'acme'));
    await database.query(
      'ALTER TABLE shop.prismiq_dashboards DROP CONSTRAINT unique_dashboard_name_per_tenant, ALTER is_public DROP DEFAULT',
    );
    await database.query(
      `INSERT INTO shop.prismiq_dashboards (tenant_id, name, is_public) VALUES ('acme', 'Sales', true)`,
    );
    const before = await describeCatalog(database, 'shop');
    await expect(ensure(true)).rejects.toThrow(/could not create unique index "unique_dashboard_name_per_tenant"/);
    expect(await describeCatalog(database, 'shop')).toEqual(before);
  });

  /** Deviations, at most one of each object. */
  const DEVIATIONS: Record<string, string[]> = {
    'dashboards.id': ['ALTER TABLE prismiq_dashboards ALTER id DROP DEFAULT'],
    'dashboards.tenant_id': [
      'ALTER TABLE prismiq_dashboards ALTER tenant_id TYPE varchar(64)',
      `ALTER TABLE prismiq_dashboards ALTER tenant_id SET DEFAULT 'acme'`,
    ],
    'dashboards.name': [
      'ALTER TABLE prismiq_dashboards ALTER name TYPE varchar(20), ALTER name DROP NOT NULL',
      'ALTER TABLE prismiq_dashboards ALTER name DROP NOT NULL',
    ],
    'dashboards.description': [
      'ALTER TABLE prismiq_dashboards ALTER description TYPE varchar(40)',
      'ALTER TABLE prismiq_dashboards ALTER description SET NOT NULL',
      'ALTER TABLE prismiq_dashboards DROP description',
    ],
    'dashboards.layout': [
      `ALTER TABLE prismiq_dashboards ALTER layout SET DEFAULT '{"columns": 24}'`,
      'ALTER TABLE prismiq_dashboards DROP layout',
    ],
    'dashboards.is_public': [
      'ALTER TABLE prismiq_dashboards ALTER is_public SET DEFAULT true, ALTER is_public DROP NOT NULL',
      'ALTER TABLE prismiq_dashboards DROP is_public',
    ],
    'dashboards.allowed_viewers': ['ALTER TABLE prismiq_dashboards DROP allowed_viewers'],
    'dashboards.created_at': ['ALTER TABLE prismiq_dashboards DROP created_at'],
    'dashboards.version': [
      'ALTER TABLE prismiq_dashboards ALTER version DROP DEFAULT',
      'ALTER TABLE prismiq_dashboards DROP version',
    ],
    'widgets.type': ['ALTER TABLE prismiq_widgets ALTER type TYPE varchar(20)'],
    'widgets.config': ['ALTER TABLE prismiq_widgets ALTER config DROP DEFAULT'],
    'widgets.query': ['ALTER TABLE prismiq_widgets ALTER query SET NOT NULL'],
    idx_dashboards_tenant_id: [
      'DROP INDEX idx_dashboards_tenant_id',
      'ALTER INDEX idx_dashboards_tenant_id RENAME TO ix_prismiq_dashboards_tenant_id',
    ],
    idx_dashboards_owner_id: [
      'DROP INDEX idx_dashboards_owner_id; CREATE INDEX idx_dashboards_owner_id ON prismiq_dashboards (owner_id)',
      'DROP INDEX idx_dashboards_owner_id; CREATE INDEX idx_dashboards_owner_id ON prismiq_dashboards (tenant_id)',
      'DROP INDEX idx_dashboards_owner_id; CREATE UNIQUE INDEX idx_dashboards_owner_id ON prismiq_dashboards (tenant_id, owner_id, id)',
    ],
    idx_widgets_dashboard_id: ['DROP INDEX idx_widgets_dashboard_id'],
    widgets_fkey: [
      'ALTER TABLE prismiq_widgets RENAME CONSTRAINT prismiq_widgets_dashboard_id_fkey TO fk_widgets',
      `ALTER TABLE prismiq_widgets DROP CONSTRAINT prismiq_widgets_dashboard_id_fkey,
         ADD CONSTRAINT prismiq_widgets_dashboard_id_fkey FOREIGN KEY (dashboard_id) REFERENCES prismiq_dashboards (id)`,
      `ALTER TABLE prismiq_widgets DROP CONSTRAINT prismiq_widgets_dashboard_id_fkey,
         ADD CONSTRAINT prismiq_widgets_dashboard_id_fkey FOREIGN KEY (dashboard_id) REFERENCES prismiq_dashboards ON DELETE CASCADE NOT VALID`,
    ],
    dashboards_pkey: [
      'ALTER TABLE prismiq_dashboards DROP CONSTRAINT prismiq_dashboards_pkey CASCADE',
      'ALTER TABLE prismiq_dashboards RENAME CONSTRAINT prismiq_dashboards_pkey TO pk_dashboards',
    ],
    dashboards_name: [
      'ALTER TABLE prismiq_dashboards DROP CONSTRAINT unique_dashboard_name_per_tenant',
      `ALTER TABLE prismiq_dashboards DROP CONSTRAINT unique_dashboard_name_per_tenant;
       CREATE UNIQUE INDEX unique_dashboard_name_per_tenant ON prismiq_dashboards (tenant_id, name)`,
      `ALTER TABLE prismiq_dashboards DROP CONSTRAINT unique_dashboard_name_per_tenant;
       CREATE UNIQUE INDEX uq_name ON prismiq_dashboards (tenant_id, name)`,
      `ALTER TABLE prismiq_dashboards DROP CONSTRAINT unique_dashboard_name_per_tenant,
         ADD CONSTRAINT unique_dashboard_name_per_tenant UNIQUE (name)`,
    ],
    queries_name: ['ALTER TABLE prismiq_saved_queries RENAME CONSTRAINT unique_query_name_per_tenant TO uq_query'],
    saved_queries: ['DROP TABLE prismiq_saved_queries'],
  };

  it('repairs any combination of these differences exactly, and leaves each row unchanged', async () => {
    const deviations = fc.record(
      Object.fromEntries(
        Object.entries(DEVIATIONS).map(([object, ways]) => [object, fc.option(fc.constantFrom(...ways), { freq: 1 })]),
      ),
    );
    await fc.assert(
      fc.asyncProperty(deviations, async (chosen) => {
        await database.query('DROP SCHEMA IF EXISTS shop CASCADE; CREATE SCHEMA shop');
        await ensure(false);
        const spoil = Object.values(chosen).filter((sql) => sql !== null);
        await database.query(
          ['BEGIN; SET LOCAL search_path = shop', pythonRows('shop', 'acme'), ...spoil, 'COMMIT'].join(';\n'),
        );
        const tables = chosen['saved_queries'] === null ? TABLES : TABLES.slice(0, 2);
        const versions = () =>
          database.query(
            tables.map((name) => `SELECT '${name}', ctid, xmin, id FROM shop.${name}`).join(' UNION ALL '),
          );
        const before = await versions();
        await ensure(true);
        expect((await describeCatalog(database, 'shop')).toSorted()).toEqual(TABLES_MD.toSorted());
        expect(await verifyTables(database.pool, { schema: 'shop' })).toEqual([]);
        expect(await versions()).toEqual(before);
      }),
      { numRuns: 40 },
    );
  });
});
