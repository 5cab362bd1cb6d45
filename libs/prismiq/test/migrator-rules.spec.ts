import fc from 'fast-check';
import { Pool } from 'pg';
import { catalogOf } from '../../../test/support/catalog.js';
import { TestDatabase } from '../../../test/support/test-database.js';
import { codeOf, isDestructive, splitStatements } from '../src/migrations/sql-text.js';
import { CURRENCY, Fleet, migration, ORDERS, statements, withHost } from './support/fleet.js';

/** A call of `query`, as `pg` got it. */
interface Call {
  text: string;
  values: unknown[];
  named: boolean;
}

/** A pool that notes what it sends. */
function listening(url: string): { pool: Pool; calls: Call[] } {
  const pool = new Pool({ connectionString: url, max: 6 });
  const calls: Call[] = [];
  pool.on('connect', (client) => {
    const { query } = client;
    client.query = function (this: unknown, ...args: unknown[]) {
      const [config, values] = args as [string | { text: string; values?: unknown[]; name?: string }, unknown[]?];
      const { text, name } = typeof config === 'string' ? { text: config, name: undefined } : config;
      calls.push({ text, values: Array.isArray(values) ? values : [], named: name !== undefined });
      return Reflect.apply(query, this, args);
    } as typeof query;
  });
  return { pool, calls };
}

/** The rules of `tables.md`, for one statement. */
function breaches(statement: string): string[] {
  const code = codeOf(statement);
  const rules: [string, RegExp][] = [
    [
      'a trigger, a function or a DO block',
      /\b(create (or replace )?(trigger|function|procedure)|create event trigger)\b|^do\b/,
    ],
    ['serial', /\b(small|big)?serial[248]?\b/],
    ['SET without LOCAL', /^set (?!local |transaction )/],
    ['a lock of the session', /\bpg_(try_)?advisory_lock/],
    [
      'other session state',
      /^(listen|unlisten|prepare|execute|discard|reset|declare)\b|\bcreate (local |global )?temp/,
    ],
    ['clock_timestamp()', /\bclock_timestamp\b/],
  ];
  return rules.filter(([, pattern]) => pattern.test(code)).map(([rule]) => `${rule}: ${statement}`);
}

describe('the statements that are sent', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.close());

  const FILLED = statements('0003_filled', [
    `INSERT INTO orders (id, total) VALUES (1, 2); UPDATE orders SET total = 3 -- ; not the end
     WHERE id = 1; CREATE INDEX IF NOT EXISTS orders_currency ON orders (currency) -- and that is all`,
    'ALTER TABLE orders ADD COLUMN after_comment text',
  ]);
  const INDEX = migration(
    '0004_index',
    (self) => {
      const { config } = self as unknown as { config: { get(key: string): string } };
      self.addSql(`CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_both ON ${config.get('schema')}.orders (id, total)`);
    },
    { transactional: false },
  );

  /** All that a migrator does, with what it sends. */
  async function everything(prefix: string): Promise<{ calls: Call[]; fleet: Fleet }> {
    const { pool, calls } = listening(database.url);
    const fleet = new Fleet(database, prefix, 3);
    const migrator = fleet.migrator({
      database: pool,
      migrations: withHost(ORDERS, CURRENCY, FILLED, INDEX),
      citusSchemaBasedSharding: true,
    });
    expect((await migrator.up({ createSchema: true, concurrency: 2 })).failures).toEqual([]);
    await migrator.status();
    await migrator.plan();
    await migrator.verify();
    await database.query(`DROP TABLE ${fleet.schemas[0]}.prismiq_migrations`);
    expect((await migrator.up()).counts).toMatchObject({ baselined: 1, unchanged: 2 });
    expect((await migrator.down({ to: 'prismiq_0001_tables', allowDataLoss: true })).counts).toMatchObject({
      reverted: 3,
    });
    expect((await migrator.up()).counts).toMatchObject({ migrated: 3 });
    await pool.end();
    return { calls, fleet };
  }

  let plain: Awaited<ReturnType<typeof everything>>;

  it('obey the rules, whatever a migrator does', async () => {
    plain = await everything('plain');
    const sent = plain.calls.flatMap(({ text }) => splitStatements(text));
    expect(sent.length).toBeGreaterThan(100);
    expect(sent.flatMap(breaches)).toEqual([]);
    expect(plain.calls.filter(({ named }) => named)).toEqual([]);
    expect(sent.filter((text) => /citus/.test(text) && !/pg_extension/.test(text))).toEqual([]);
    // In few calls: a tenant's transaction is one, or three where its tables are verified inside.
    expect(plain.calls.some(({ text }) => splitStatements(text).length > 20)).toBe(true);
  });

  it('are one a call on Citus, with the same catalog', async () => {
    // What the migrator looks for; the extension itself is on no machine that runs these tests.
    await database.query(
      `SET allow_system_table_mods = on;
       INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion) VALUES (99999, 'citus', 10, 11, false, '13.2');
       RESET allow_system_table_mods`,
    );
    const { calls, fleet } = await everything('citus');
    expect(calls.flatMap(({ text }) => splitStatements(text)).flatMap(breaches)).toEqual([]);
    expect(calls.filter(({ text }) => splitStatements(text).length > 1)).toEqual([]);
    expect(calls.filter(({ named }) => named)).toEqual([]);
    const texts = calls.map(({ text }) => text);
    const sharding = texts.indexOf('SET LOCAL citus.enable_schema_based_sharding = on');
    expect(sharding).toBeGreaterThan(0);
    expect(texts.findIndex((text) => text.startsWith('CREATE SCHEMA'))).toBeGreaterThan(sharding);
    for (const [index, schema] of fleet.schemas.entries()) {
      expect(await catalogOf(database, schema)).toEqual(await catalogOf(database, plain.fleet.schemas[index]!));
    }
  });

  it('are as a role may send them that is no superuser and owns its schemas', async () => {
    const role = `owner_of_${database.name}`;
    await database.query(
      `CREATE ROLE ${role} LOGIN PASSWORD 'owner'; GRANT CREATE ON DATABASE ${database.name} TO ${role}`,
    );
    const url = new URL(database.url);
    [url.username, url.password] = [role, 'owner'];
    const pool = new Pool({ connectionString: url.href, max: 6 });
    const fleet = new Fleet(database, 'owned', 2);
    const migrator = fleet.migrator({ database: pool, migrations: withHost(ORDERS, CURRENCY, INDEX) });
    expect((await migrator.up({ createSchema: true })).failures).toEqual([]);
    expect((await migrator.status()).upToDate).toBe(true);
    await pool.end();
    await database.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });
});

describe('the text of statements', () => {
  const HARMLESS = [
    '-- a; b\n',
    '/* a; /* b; */ c; */',
    `'it''s; '`,
    `E'\\'; '`,
    '$$a; b$$',
    '$x$a; $$ b$x$',
    '"a;""b"',
  ];

  it('is taken apart at the semicolons between statements, and at no other', () => {
    const statement = fc
      .array(fc.oneof(fc.constantFrom(...HARMLESS), fc.constantFrom('select ', 'a', ' , ', '1 ', 'x_1$ ')), {
        minLength: 1,
        maxLength: 8,
      })
      .map((parts) => `select ${parts.join(' ')} end`);
    fc.assert(
      fc.property(fc.array(statement, { maxLength: 6 }), fc.constantFrom(';', '; ;\n', ';-- ;\n'), (list, end) => {
        const parts = splitStatements(list.join(end) + end).map((text) => text.replace(/^-- ;\n/, ''));
        expect(parts).toEqual(list.map((text) => text.trim()));
      }),
    );
  });

  it.each([
    ['DROP TABLE a', true],
    ['alter table a drop b', true],
    ['ALTER TABLE a DROP COLUMN b', true],
    ['ALTER TABLE a ALTER b TYPE int', true],
    ['TRUNCATE a', true],
    ['WITH x AS (DELETE FROM a RETURNING *) SELECT 1', true],
    ['ALTER TABLE a DROP CONSTRAINT b', false],
    ['ALTER TABLE a ALTER b DROP NOT NULL', false],
    ['ALTER TABLE a ALTER b DROP DEFAULT', false],
    ['DROP INDEX a', false],
    [`COMMENT ON TABLE a IS 'drop table a'`, false],
    ['SELECT 1 -- drop table a', false],
    ['CREATE TABLE "drop table x" (a int)', false],
  ])('tells whether data may be lost: %s', (sql, expected) => {
    expect(isDestructive(sql)).toBe(expected);
  });
});
