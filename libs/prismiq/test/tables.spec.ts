import { EntityCaseNamingStrategy, MikroORM, UnderscoreNamingStrategy } from '@mikro-orm/postgresql';
import { Migrator } from '@mikro-orm/migrations';
import {
  ensureTables,
  PRISMIQ_ENTITIES,
  PRISMIQ_HISTORY_TABLE,
  PRISMIQ_MIGRATIONS,
  PrismiqDashboard,
  prismiqSchemaSql,
  verifyTables,
} from '@prismiq/nestjs';
import { describeCatalog, schemaNames } from '../../../test/support/catalog.js';
import { suiteGuard } from '../../../test/support/sql-guard.js';
import { TABLES_MD } from '../../../test/support/tables-md.js';
import { TestDatabase } from '../../../test/support/test-database.js';

const LAYOUT = { columns: 12, row_height: 50, margin: [10, 10] as [number, number], compact_type: null };

describe('the tables', () => {
  let database: TestDatabase;
  let orm: MikroORM;

  beforeAll(async () => {
    database = await TestDatabase.create();
    orm = await database.orm({
      extensions: [Migrator],
      migrations: {
        snapshot: false,
        migrationsList: [...PRISMIQ_MIGRATIONS],
        tableName: PRISMIQ_HISTORY_TABLE,
        includeWildcardSchema: true,
      },
    });
  });
  afterAll(() => database.close());

  /** MikroORM's migrator sets search_path, and names no schema. */
  const migrate = <T>(run: (migrator: MikroORM['migrator']) => Promise<T>) => suiteGuard.off(() => run(orm.migrator));

  const history = (schema: string) =>
    database.query<{ name: string }>(`SELECT name FROM "${schema}".${PRISMIQ_HISTORY_TABLE} ORDER BY id`);
  const ALL = [{ name: 'prismiq_0001_tables' }, { name: 'prismiq_0002_version_and_list_index' }];

  it('are those of tables.md when ensureTables creates them', async () => {
    expect(await ensureTables(orm, { schema: 'by_ensure', createSchema: true })).toEqual({
      schema: 'by_ensure',
      created: true,
    });
    expect(await describeCatalog(database, 'by_ensure')).toEqual(TABLES_MD);
    expect(await history('by_ensure')).toEqual(ALL);
  });

  it('are those of tables.md when the migrations create them, one by one', async () => {
    for (const { name } of PRISMIQ_MIGRATIONS) {
      await migrate((migrator) => migrator.up({ schema: 'by_migration', to: name }));
    }
    expect(await describeCatalog(database, 'by_migration')).toEqual(TABLES_MD);
    expect(await history('by_migration')).toEqual(ALL);
  });

  it.each([
    ['with the schema named', 'by_sql', prismiqSchemaSql({ schema: 'by_sql' })],
    ['where search_path says', 'by_path', `SET LOCAL search_path TO by_path;\n${prismiqSchemaSql()}`],
  ])('are those of tables.md when the SQL text makes them, %s', async (_, schema, sql) => {
    await database.query(`CREATE SCHEMA ${schema}`);
    await database.query(sql);
    await database.query(sql); // again, without effect
    expect(await describeCatalog(database, schema)).toEqual(TABLES_MD);
    expect(await history(schema)).toEqual(ALL);
  });

  it('pass verification, whatever created them', async () => {
    for (const schema of ['by_ensure', 'by_migration', 'by_sql', 'by_path']) {
      expect(await verifyTables(orm, { schema })).toEqual([]);
      expect(await ensureTables(orm, { schema })).toEqual({ schema, created: false });
      expect((await migrate((migrator) => migrator.getPending({ schema }))).length).toBe(0);
    }
  });

  it('are those that the entities describe, whatever naming the host has', async () => {
    for (const namingStrategy of [UnderscoreNamingStrategy, EntityCaseNamingStrategy]) {
      const host = await database.orm({
        entities: [...PRISMIQ_ENTITIES],
        namingStrategy,
        schemaGenerator: { skipTables: [PRISMIQ_HISTORY_TABLE] },
      });
      expect(await host.schema.getUpdateSchemaSQL({ schema: 'by_sql', wrap: false })).toBe('');
      const em = host.em.fork();
      const options = { schema: 'by_sql' };
      em.create(PrismiqDashboard, { tenantId: 't', name: namingStrategy.name, layout: LAYOUT, filters: [] }, options);
      await em.flush();
      const dashboard = await em.fork().findOneOrFail(PrismiqDashboard, { name: namingStrategy.name }, options);
      expect(dashboard).toMatchObject({ tenantId: 't', isPublic: false, allowedViewers: [], version: 1 });
    }
  });

  it('change by a managed entity as by a repository: a new version, at the time of the database', async () => {
    const host = await database.orm({ entities: [...PRISMIQ_ENTITIES] });
    const em = host.em.fork();
    const dashboard = await em.findOneOrFail(PrismiqDashboard, { tenantId: 't' }, { schema: 'by_sql' });
    dashboard.isPublic = true;
    await em.flush();
    const [row] = await database.query(
      `SELECT version, updated_at > created_at AS later FROM by_sql.prismiq_dashboards WHERE id = $1`,
      [dashboard.id],
    );
    expect(row).toEqual({ version: 2, later: true });
  });

  it('go with the migrations down, one by one, and come back', async () => {
    await migrate((migrator) => migrator.down({ schema: 'by_ensure' }));
    const withoutVersion = (lines: string[]) =>
      lines.filter((line) => !line.includes('.version ') && !line.includes('idx_dashboards_tenant_updated_at'));
    expect(await describeCatalog(database, 'by_ensure')).toEqual(withoutVersion(TABLES_MD));
    await migrate((migrator) => migrator.down({ schema: 'by_ensure' }));
    expect(await describeCatalog(database, 'by_ensure')).toEqual([]);
    expect(await history('by_ensure')).toEqual([]);

    await migrate((migrator) => migrator.up({ schema: 'by_ensure', to: 'prismiq_0001_tables' }));
    expect(await ensureTables(orm, { schema: 'by_ensure' })).toEqual({ schema: 'by_ensure', created: true });
    expect(await describeCatalog(database, 'by_ensure')).toEqual(TABLES_MD);
    expect(await history('by_ensure')).toEqual(ALL);
  });

  it('never reach public', async () => {
    expect(await describeCatalog(database, 'public')).toEqual([]);
    expect(await schemaNames(database)).toEqual(['by_ensure', 'by_migration', 'by_path', 'by_sql', 'public']);
  });
});
