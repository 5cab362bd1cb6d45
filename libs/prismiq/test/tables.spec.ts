import { MikroORM } from '@mikro-orm/postgresql';
import { Migrator } from '@mikro-orm/migrations';
import {
  ensureTables,
  PRISMIQ_HISTORY_TABLE,
  PRISMIQ_MIGRATIONS,
  prismiqSchemaSql,
  verifyTables,
} from '@prismiq/nestjs';
import { catalogOf, schemaNames } from '../../../test/support/catalog.js';
import { TestDatabase } from '../../../test/support/test-database.js';

/** `tables.md` of the specification, in PostgreSQL's words; jsonb sorts the keys of the default layout. */
const TABLES_MD = [
  'column prismiq_dashboards.id uuid NOT NULL DEFAULT gen_random_uuid()',
  'column prismiq_dashboards.tenant_id character varying(255) NOT NULL',
  'column prismiq_dashboards.name character varying(255) NOT NULL',
  'column prismiq_dashboards.description text',
  `column prismiq_dashboards.layout jsonb NOT NULL DEFAULT '{"margin": [10, 10], "columns": 12, "rowHeight": 50}'::jsonb`,
  `column prismiq_dashboards.filters jsonb NOT NULL DEFAULT '[]'::jsonb`,
  'column prismiq_dashboards.owner_id character varying(255)',
  'column prismiq_dashboards.is_public boolean NOT NULL DEFAULT false',
  `column prismiq_dashboards.allowed_viewers text[] NOT NULL DEFAULT '{}'::text[]`,
  'column prismiq_dashboards.created_at timestamp with time zone NOT NULL DEFAULT now()',
  'column prismiq_dashboards.updated_at timestamp with time zone NOT NULL DEFAULT now()',
  'column prismiq_dashboards.version integer NOT NULL DEFAULT 1',
  'column prismiq_saved_queries.id uuid NOT NULL DEFAULT gen_random_uuid()',
  'column prismiq_saved_queries.tenant_id character varying(255) NOT NULL',
  'column prismiq_saved_queries.name character varying(255) NOT NULL',
  'column prismiq_saved_queries.description text',
  'column prismiq_saved_queries.query jsonb NOT NULL',
  'column prismiq_saved_queries.owner_id character varying(255)',
  'column prismiq_saved_queries.is_shared boolean NOT NULL DEFAULT false',
  'column prismiq_saved_queries.created_at timestamp with time zone NOT NULL DEFAULT now()',
  'column prismiq_saved_queries.updated_at timestamp with time zone NOT NULL DEFAULT now()',
  'column prismiq_saved_queries.version integer NOT NULL DEFAULT 1',
  'column prismiq_widgets.id uuid NOT NULL DEFAULT gen_random_uuid()',
  'column prismiq_widgets.dashboard_id uuid NOT NULL',
  'column prismiq_widgets.type character varying(50) NOT NULL',
  'column prismiq_widgets.title character varying(255) NOT NULL',
  'column prismiq_widgets.query jsonb',
  'column prismiq_widgets.position jsonb NOT NULL',
  `column prismiq_widgets.config jsonb NOT NULL DEFAULT '{}'::jsonb`,
  'column prismiq_widgets.created_at timestamp with time zone NOT NULL DEFAULT now()',
  'column prismiq_widgets.updated_at timestamp with time zone NOT NULL DEFAULT now()',
  'constraint prismiq_dashboards.prismiq_dashboards_pkey PRIMARY KEY (id)',
  'constraint prismiq_saved_queries.prismiq_saved_queries_pkey PRIMARY KEY (id)',
  'constraint prismiq_widgets.prismiq_widgets_dashboard_id_fkey FOREIGN KEY (dashboard_id) REFERENCES prismiq_dashboards(id) ON DELETE CASCADE',
  'constraint prismiq_widgets.prismiq_widgets_pkey PRIMARY KEY (id)',
  'constraint prismiq_dashboards.unique_dashboard_name_per_tenant UNIQUE (tenant_id, name)',
  'constraint prismiq_saved_queries.unique_query_name_per_tenant UNIQUE (tenant_id, name)',
  'index CREATE INDEX idx_dashboards_owner_id ON prismiq_dashboards USING btree (tenant_id, owner_id)',
  'index CREATE INDEX idx_dashboards_tenant_id ON prismiq_dashboards USING btree (tenant_id)',
  'index CREATE INDEX idx_dashboards_tenant_updated_at ON prismiq_dashboards USING btree (tenant_id, updated_at DESC, id)',
  'index CREATE INDEX idx_saved_queries_tenant ON prismiq_saved_queries USING btree (tenant_id)',
  'index CREATE INDEX idx_widgets_dashboard_id ON prismiq_widgets USING btree (dashboard_id)',
  'index CREATE UNIQUE INDEX prismiq_dashboards_pkey ON prismiq_dashboards USING btree (id)',
  'index CREATE UNIQUE INDEX prismiq_saved_queries_pkey ON prismiq_saved_queries USING btree (id)',
  'index CREATE UNIQUE INDEX prismiq_widgets_pkey ON prismiq_widgets USING btree (id)',
  'index CREATE UNIQUE INDEX unique_dashboard_name_per_tenant ON prismiq_dashboards USING btree (tenant_id, name)',
  'index CREATE UNIQUE INDEX unique_query_name_per_tenant ON prismiq_saved_queries USING btree (tenant_id, name)',
];

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

  const history = (schema: string) =>
    database.query<{ name: string }>(`SELECT name FROM "${schema}".${PRISMIQ_HISTORY_TABLE} ORDER BY id`);
  const ALL = [{ name: 'prismiq_0001_tables' }, { name: 'prismiq_0002_version_and_list_index' }];

  it('are those of tables.md when ensureTables makes them', async () => {
    expect(await ensureTables(orm, { schema: 'by_ensure', createSchema: true })).toEqual({
      schema: 'by_ensure',
      created: true,
    });
    expect(await catalogOf(database, 'by_ensure')).toEqual(TABLES_MD);
    expect(await history('by_ensure')).toEqual(ALL);
  });

  it('are those of tables.md when the migrations make them, one by one', async () => {
    for (const { name } of PRISMIQ_MIGRATIONS) {
      await orm.migrator.up({ schema: 'by_migration', to: name });
    }
    expect(await catalogOf(database, 'by_migration')).toEqual(TABLES_MD);
    expect(await history('by_migration')).toEqual(ALL);
  });

  it.each([
    ['with the schema named', 'by_sql', prismiqSchemaSql({ schema: 'by_sql' })],
    ['where search_path says', 'by_path', `SET LOCAL search_path TO by_path;\n${prismiqSchemaSql()}`],
  ])('are those of tables.md when the SQL text makes them, %s', async (_, schema, sql) => {
    await database.query(`CREATE SCHEMA ${schema}`);
    await database.query(sql);
    await database.query(sql); // again, without effect
    expect(await catalogOf(database, schema)).toEqual(TABLES_MD);
    expect(await history(schema)).toEqual(ALL);
  });

  it('pass verification, whoever made them', async () => {
    for (const schema of ['by_ensure', 'by_migration', 'by_sql', 'by_path']) {
      expect(await verifyTables(orm, { schema })).toEqual([]);
      expect(await ensureTables(orm, { schema })).toEqual({ schema, created: false });
      expect((await orm.migrator.getPending({ schema })).length).toBe(0);
    }
  });

  it('go with the migrations down, one by one, and come back', async () => {
    await orm.migrator.down({ schema: 'by_ensure' });
    const withoutVersion = (lines: string[]) =>
      lines.filter((line) => !line.includes('.version ') && !line.includes('idx_dashboards_tenant_updated_at'));
    expect(await catalogOf(database, 'by_ensure')).toEqual(withoutVersion(TABLES_MD));
    await orm.migrator.down({ schema: 'by_ensure' });
    expect(await catalogOf(database, 'by_ensure')).toEqual([]);
    expect(await history('by_ensure')).toEqual([]);

    await orm.migrator.up({ schema: 'by_ensure', to: 'prismiq_0001_tables' });
    expect(await ensureTables(orm, { schema: 'by_ensure' })).toEqual({ schema: 'by_ensure', created: true });
    expect(await catalogOf(database, 'by_ensure')).toEqual(TABLES_MD);
    expect(await history('by_ensure')).toEqual(ALL);
  });

  it('never reach public', async () => {
    expect(await catalogOf(database, 'public')).toEqual([]);
    expect(await schemaNames(database)).toEqual(['by_ensure', 'by_migration', 'by_path', 'by_sql', 'public']);
  });
});
