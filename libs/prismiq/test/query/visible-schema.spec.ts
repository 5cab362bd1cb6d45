import { compileQuery } from '../../src/query/compile/compile-query.js';
import { parseQuery } from '../../src/query/definition/parse-query.js';
import type { PrismiqQueryOptions } from '../../src/query/options/query-options.js';
import { resolveQueryOptions } from '../../src/query/options/resolve-query-options.js';
import { resolveRowRules } from '../../src/query/options/resolve-row-rules.js';
import type { VisibleSchema } from '../../src/query/visible-schema/visible-schema.js';
import { VisibleSchemas } from '../../src/query/visible-schema/visible-schemas.js';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { compileContext } from './support/compile-context.js';
import { compiledRunner } from './support/run-compiled.js';
import { expand } from './support/short-query.js';

/** Columns of all kinds of types, each with a value, and what a filter may be given to find it. */
const TYPES: [name: string, type: string, literal: string, value?: unknown][] = [
  ['a_smallint', 'smallint', '7', 7],
  ['an_integer', 'integer', '7', '7.0'],
  ['a_bigint', 'bigint', '9007199254740993', '9007199254740993'],
  ['a_numeric', 'numeric(10,2)', '1.50', '1.5'],
  ['a_real', 'real', '0.5', 0.5],
  ['a_double', 'double precision', '0.1', '1e-1'],
  ['a_boolean', 'boolean', 'true', 'TRUE'],
  ['a_text', 'text', `'x'`, 'x'],
  ['a_varchar', 'character varying(20)', `'7'`, 7],
  ['a_char', 'character(4)', `'ab'`, 'ab'],
  ['a_single', '"char"', `'a'`, 'a'],
  ['a_name', 'name', `'n'`, 'n'],
  ['a_date', 'date', `'2024-05-15'`, '2024-05-15T10:00:00'],
  ['a_timestamp', 'timestamp', `'2024-05-15 10:00'`, '2024-05-15'],
  ['a_timestamptz', 'timestamptz', `'2024-05-15 10:00Z'`, '2024-05-15T12:00:00+02:00'],
  ['a_time', 'time', `'10:00'`, '10:00'],
  ['a_timetz', 'timetz', `'10:00+00'`, '10:00+00'],
  ['an_interval', 'interval', `'1 day'`, '24 hours'],
  ['a_uuid', 'uuid', `'6ecd8c99-4036-403d-bf84-cf8400f67836'`, '6ECD8C99-4036-403D-BF84-CF8400F67836'],
  ['an_inet', 'inet', `'10.0.0.1'`, '10.0.0.1'],
  ['a_cidr', 'cidr', `'10.0.0.0/8'`, '10.0.0.0/8'],
  ['a_macaddr', 'macaddr', `'08:00:2b:01:02:03'`, '08-00-2b-01-02-03'],
  ['money', 'money', `'1.50'`, '1.50'],
  ['bits', 'bit(3)', `B'101'`, '101'],
  ['json', 'json', `'{}'`],
  ['jsonb', 'jsonb', `'{}'`],
  ['bytes', 'bytea', `'x'`],
  ['xml', 'xml', `'<a/>'`],
  ['point', 'point', `'(1,2)'`],
  ['vector', 'tsvector', `'a b'`],
  ['int_range', 'int4range', `'[1,5)'`],
  ['texts', 'text[]', `'{a,b}'`],
  ['jsons', 'json[]', `ARRAY['{}'::json]`],
  ['a_mood', 'tenant_a.mood', `'ok'`, 'ok'],
  ['moods', 'tenant_a.mood[]', `'{ok}'`],
  ['a_percent', 'tenant_a.percent', '7', '7'],
  ['a_nested_domain', 'tenant_a.small_percent', '7', 7],
  ['a_pair', 'tenant_a.pair', `ROW(1, 'x')`],
];

const SCHEMA = `
  CREATE SCHEMA tenant_a;
  CREATE TYPE tenant_a.mood AS ENUM ('sad', 'ok');
  CREATE TYPE tenant_a.pair AS (a int, b text);
  CREATE DOMAIN tenant_a.percent AS smallint NOT NULL;
  CREATE DOMAIN tenant_a.small_percent AS tenant_a.percent CHECK (VALUE < 50);
  CREATE TABLE tenant_a.types (dropped int, ${TYPES.map(([name, type]) => `"${name}" ${type}`).join(', ')});
  ALTER TABLE tenant_a.types DROP COLUMN dropped;
  INSERT INTO tenant_a.types VALUES (${TYPES.map(([, , literal]) => literal).join(', ')});
  CREATE TABLE tenant_a.regions (country text, code int, PRIMARY KEY (country, code));
  CREATE TABLE tenant_a.shops (id int PRIMARY KEY, country text, code int, parent int REFERENCES tenant_a.shops (id),
    "odd "" name" text DEFAULT 'secret', FOREIGN KEY (country, code) REFERENCES tenant_a.regions (country, code));
  INSERT INTO tenant_a.shops (id) SELECT generate_series(1, 25);
  CREATE VIEW tenant_a.shop_ids AS SELECT id FROM tenant_a.shops;
  CREATE MATERIALIZED VIEW tenant_a.shop_count AS SELECT count(*) AS n FROM tenant_a.shops;
  CREATE TABLE tenant_a.visits (shop int NOT NULL, at date) PARTITION BY RANGE (at);
  CREATE TABLE tenant_a.visits_2024 PARTITION OF tenant_a.visits FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
  CREATE SEQUENCE tenant_a.numbers;
  ANALYZE tenant_a.shops;`;

const TABLES = {
  types: {},
  regions: {},
  shops: {},
  shop_ids: {},
  shop_count: {},
  visits: {},
  visits_2024: {},
  numbers: {},
};

describe('the visible schema', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
    await database.query(SCHEMA);
    for (const schema of ['tenant_b', 'tenant_c', 'tenant_d']) {
      await database.query(
        `CREATE SCHEMA ${schema}; CREATE TYPE ${schema}.mood AS ENUM ('ok'); CREATE TABLE ${schema}.shops (id int, mood ${schema}.mood)`,
      );
    }
    await database.query('ALTER TABLE tenant_d.shops ADD COLUMN margin int');
  });
  afterAll(() => database.close());

  const schemas = (options: PrismiqQueryOptions = { tables: TABLES }) =>
    new VisibleSchemas(resolveQueryOptions(options), database);
  const names = ({ tables }: VisibleSchema) => [...tables.keys()];

  it('has the exposed tables and views of the schema, without partitions and sequences', async () => {
    const schema = await schemas().find('tenant_a', undefined);
    expect(names(schema)).toEqual(['regions', 'shop_count', 'shop_ids', 'shops', 'types', 'visits']);
    expect(schema.tables.get('shop_ids')!.kind).toBe('view');
    expect(schema.rowCounts.get('shops')).toBe(25);
    expect(schema.rowCounts.get('shop_ids')).toBeNull();
    expect(schema.rowCounts.get('visits')).toBe(0);
  });

  it('has nothing of a schema that does not exist, and no table that is not exposed', async () => {
    expect((await schemas().find('tenant_x', undefined)).tables.size).toBe(0);
    expect(names(await schemas({ tables: { nothing: {} } }).find('tenant_a', undefined))).toEqual([]);
  });

  it('describes columns as information_schema does, domains as their base types, and types of hosts as text', async () => {
    const { tables } = await schemas().find('tenant_a', undefined);
    const known = await database.query<{ name: string; type: string }>(
      `SELECT column_name AS name, data_type AS type FROM information_schema.columns
       WHERE table_schema = 'tenant_a' AND table_name = 'types' AND domain_name IS DISTINCT FROM 'small_percent' ORDER BY ordinal_position`,
    );
    const types = [...tables.get('types')!.columns.values()]
      .map(({ name, dataType }) => ({ name, type: dataType }))
      .filter(({ name }) => name !== 'a_nested_domain');
    expect(types).toEqual(known.map((one) => ({ ...one, type: one.type.replace('USER-DEFINED', 'text') })));
    // For a domain over a domain, information_schema names the domain below.
    expect(tables.get('types')!.columns.get('a_nested_domain')!.dataType).toBe('smallint');
    expect(tables.get('types')!.columns.get('a_percent')!.isNullable).toBe(false);
  });

  it('has keys, and one relationship for each pair of columns', async () => {
    const { tables, relationships } = await schemas().find('tenant_a', undefined);
    const keys = [...tables.get('regions')!.columns.values()].map(({ name, isPrimaryKey }) => [name, isPrimaryKey]);
    expect(keys).toEqual([
      ['country', true],
      ['code', true],
    ]);
    const from = (fromColumn: string, toTable: string, toColumn: string) => ({
      fromTable: 'shops',
      fromColumn,
      toTable,
      toColumn,
    });
    expect(relationships).toEqual([
      from('country', 'regions', 'country'),
      from('code', 'regions', 'code'),
      from('parent', 'shops', 'id'),
    ]);
  });

  it('leaves out what is hidden, also from relationships, and what has roles for all others', async () => {
    const options = {
      tables: {
        regions: { roles: ['planner'], displayName: 'Regions' },
        shops: {
          columns: { parent: { hidden: true }, country: { roles: ['planner', 'clerk'], format: 'plain' as const } },
        },
      },
    };
    const known = schemas(options);
    const nobody = await known.find('tenant_a', undefined);
    expect(names(nobody)).toEqual(['shops']);
    expect([...nobody.tables.get('shops')!.columns.keys()]).toEqual(['id', 'code', 'odd " name']);
    expect(nobody.relationships).toEqual([]);
    expect(await known.find('tenant_a', 'stranger')).toBe(nobody);
    const clerk = await known.find('tenant_a', 'clerk');
    expect([...clerk.tables.get('shops')!.columns.keys()]).toEqual(['id', 'country', 'code', 'odd " name']);
    const planner = await known.find('tenant_a', 'planner');
    expect(planner.tables.get('regions')!.displayName).toBe('Regions');
    expect(planner.relationships).toHaveLength(2);
    expect(new Set([nobody, clerk, planner].map(({ version }) => version)).size).toBe(3);
  });

  it('shares what is equal between tenants', async () => {
    const known = schemas();
    const [b, c, d] = await Promise.all(
      ['tenant_b', 'tenant_c', 'tenant_d'].map((schema) => known.find(schema, undefined)),
    );
    expect(b!.tables).toBe(c!.tables);
    expect(b!.version).toBe(c!.version);
    expect([b!.schema, c!.schema]).toEqual(['tenant_b', 'tenant_c']);
    expect(d!.version).not.toBe(b!.version);
  });

  it('reads a schema once, and again after an invalidation, or when a statement has found it stale', async () => {
    let reads = 0;
    const counting = {
      query: (...query: Parameters<TestDatabase['query']>) => ((reads += 1), database.query(...query)),
    };
    const known = new VisibleSchemas(resolveQueryOptions({ tables: TABLES }), counting as never);
    const [first] = await Promise.all([known.find('tenant_b', undefined), known.find('tenant_b', undefined)]);
    expect(reads).toBe(1);
    await database.query('ALTER TABLE tenant_b.shops ADD COLUMN added int');
    expect(await known.find('tenant_b', undefined)).toBe(first);
    const [second] = await Promise.all([known.refresh(first!, undefined), known.refresh(first!, undefined)]);
    expect(second!.tables.get('shops')!.columns.has('added')).toBe(true);
    await known.refresh(first!, undefined);
    expect(reads).toBe(2);
    known.invalidate('tenant_b');
    await known.find('tenant_b', undefined);
    known.invalidate();
    await known.find('tenant_b', undefined);
    expect(reads).toBe(4);
  });

  it('is the same for a role that owns nothing', async () => {
    const owner = await schemas().find('tenant_a', undefined);
    await database.query(`CREATE ROLE prismiq_query_reader; GRANT prismiq_query_reader TO CURRENT_USER`);
    const asReader = {
      query: async (sql: string, values: unknown[]) => {
        const client = await database.pool.connect();
        try {
          await client.query('BEGIN; SET LOCAL ROLE prismiq_query_reader');
          return (await client.query(sql, values)).rows as never[];
        } finally {
          await client.query('ROLLBACK');
          client.release();
        }
      },
    };
    const reader = await new VisibleSchemas(resolveQueryOptions({ tables: TABLES }), asReader).find(
      'tenant_a',
      undefined,
    );
    await database.query('DROP ROLE prismiq_query_reader');
    expect(reader).toEqual(owner);
  });

  it.each(['prismiq_dashboards', 'prismiq_migrations', 'mikro_orm_migrations'])('cannot expose %s', (name) => {
    expect(() => resolveQueryOptions({ tables: { [name]: {} } })).toThrow(`query.tables.${name}`);
  });

  it.each(['+02:00', 'Mars/Olympus', ''])('takes no time zone %j', (timeZone) => {
    expect(() => resolveQueryOptions({ tables: {}, timeZone })).toThrow('query.timeZone');
  });

  it('fails where the host forgot to say which rows may be seen', async () => {
    const viewer = { tenantId: 'a', schema: 'tenant_a', userId: undefined, isAdmin: false };
    await expect(resolveRowRules((() => undefined) as never, ['orders'], viewer)).rejects.toThrow('query.rowFilter');
  });

  describe.each(TYPES)('a column %s of type %s', (name, _type, _literal, value) => {
    const attempt = async (query: Parameters<typeof expand>[0]) => {
      const context = await compileContext(database, { tables: { types: {} } });
      const compiled = compileQuery(parseQuery(expand({ t: [['o', 'types']], ...query })), context);
      return (await compiledRunner({ pool: database.pool })(compiled)).rows;
    };

    it('is found by its value', async () => {
      const filters = ['eq', 'gte', 'lte'].map((operator) => ['o', name, operator, value ?? 'x']);
      const lists = ['in_', 'in_or_null'].map((operator) => ['o', name, operator, [value ?? 'x']]);
      const query = { c: [['o', '*', 'count', 'n']], f: [...filters, ...lists] };
      if (value === undefined) {
        await expect(attempt(query)).rejects.toMatchObject({ statusCode: 400 });
      } else {
        expect(await attempt(query)).toEqual([[1]]);
        expect(await attempt({ ...query, f: [['o', name, 'neq', value]] })).toEqual([[0]]);
        expect(await attempt({ ...query, f: [['o', name, 'not_in', [value]]] })).toEqual([[0]]);
      }
      expect(await attempt({ ...query, f: [['o', name, 'is_not_null']] })).toEqual([[1]]);
      expect(await attempt({ ...query, f: [['o', name, 'ilike', '%']] })).toEqual([[1]]);
    });

    it('is refused, or can be grouped, sorted, counted and aggregated', async () => {
      const count = ['o', '*', 'count', 'n'];
      const uses = [
        { c: [['o', name], count] },
        { c: [['o', name]], s: [['o', name]] },
        { c: [['o', 'x'], count], x: [['x', `concatenate([${name}], "!")`]] as [string, string][] },
        ...['sum', 'avg', 'count', 'count_distinct', 'min', 'max'].map((aggregation) => ({
          c: [['o', name, aggregation]],
        })),
      ];
      for (const use of uses) {
        const outcome = await attempt(use).catch((error: { statusCode: number; code: string }) => error.code);
        expect([outcome, 'INVALID_QUERY']).toContainEqual(outcome);
      }
    });
  });
});
