import fc from 'fast-check';
import { loadSqlGrammar } from '../../src/sql/statements/grammar.js';
import { readStatements } from '../../src/sql/statements/statement.js';
import { TABLE } from './statements.table.js';

beforeAll(loadSqlGrammar);

describe('a statement', () => {
  it.each(TABLE)('%s', (sql, { loses, forbidden, repeatable = false, concurrent = false }) => {
    const statements = readStatements(sql);
    expect(statements).toHaveLength(1);
    expect(statements[0]).toMatchObject({
      dataLoss: loses === undefined ? undefined : expect.stringContaining(loses),
      forbiddenReason: forbidden === undefined ? undefined : expect.stringContaining(forbidden),
      isRepeatable: repeatable,
      isConcurrent: concurrent,
    });
  });
});

describe('the relations of a statement', () => {
  const listRelations = (sql: string) =>
    readStatements(sql).flatMap(({ relations }) =>
      relations.map(
        ({ schema, name, role, isIndex, isInBody }) =>
          `${role} ${schema === undefined ? '' : `${schema}.`}${name}${isIndex ? ' (index)' : ''}${isInBody ? ' (body)' : ''}`,
      ),
    );

  it.each<[string, string[]]>([
    ['SELECT * FROM Acme.Orders o, "Acme".x JOIN only y ON o.z = 1', ['read acme.orders', 'read Acme.x', 'read y']],
    ['SELECT 1 FROM x ORDER BY (SELECT max(a) FROM b.y)', ['read x', 'read b.y']],
    ['WITH x AS (SELECT * FROM x), y AS (SELECT * FROM x) SELECT * FROM y, z', ['read x', 'read z']],
    ['WITH RECURSIVE x AS (SELECT * FROM x) DELETE FROM x USING x x2', ['written x']],
    ['WITH x AS (SELECT 1) INSERT INTO x SELECT * FROM x', ['written x']],
    ['SELECT * FROM (WITH x AS (SELECT 1) SELECT * FROM x) y, x', ['read x']],
    ['UPDATE a.x SET b = 1 FROM y', ['written a.x', 'read y']],
    ['MERGE INTO a.x USING b.y ON true WHEN MATCHED THEN DELETE', ['written a.x', 'read b.y']],
    ['TRUNCATE a, b.c', ['written a', 'written b.c']],
    ['COPY a.x FROM STDIN', ['written a.x']],
    ['COPY a.x TO STDOUT', ['read a.x']],
    ['LOCK a.x', ['read a.x']],
    [
      'CREATE TABLE a.x (LIKE b.y, c int REFERENCES d.z) INHERITS (e.w)',
      ['created a.x', 'read b.y', 'read d.z', 'read e.w'],
    ],
    ['CREATE TABLE a.x AS SELECT * FROM y', ['read y', 'created a.x']],
    ['SELECT * INTO a.x FROM y', ['created a.x', 'read y']],
    ['CREATE VIEW a.v AS SELECT * FROM x', ['created a.v', 'read x']],
    ['CREATE INDEX CONCURRENTLY IF NOT EXISTS I ON Acme.orders (a)', ['created acme.i (index)', 'altered acme.orders']],
    ['CREATE INDEX ON x (a)', ['altered x']],
    ['DROP INDEX CONCURRENTLY IF EXISTS "A".i, j', ['dropped A.i (index)', 'dropped j (index)']],
    ['REINDEX INDEX a.i', ['altered a.i (index)']],
    ['REINDEX TABLE a.x', ['altered a.x']],
    ['ALTER INDEX a.i RENAME TO j', ['created a.j (index)', 'altered a.i (index)']],
    ['ALTER INDEX a.i ATTACH PARTITION b.j', ['altered a.i (index)', 'altered b.j (index)']],
    ['ALTER TABLE a.x ATTACH PARTITION b.y DEFAULT', ['altered a.x', 'altered b.y']],
    ['ALTER TABLE a.x RENAME COLUMN b TO c', ['altered a.x']],
    ['DROP TABLE a.x, y', ['dropped a.x', 'dropped y']],
    ['DROP TRIGGER t ON a.x', ['altered a.x']],
    ['DROP FUNCTION a.f(int)', []],
    ['COMMENT ON COLUMN a.x.b IS NULL', ['altered a.x']],
    ['COMMENT ON CONSTRAINT c ON a.x IS NULL', ['altered a.x']],
    ['GRANT SELECT ON a.x, y TO r', ['altered a.x', 'altered y']],
    ['CREATE TRIGGER t AFTER INSERT ON a.x EXECUTE FUNCTION b.f()', ['altered a.x']],
    ['CREATE POLICY p ON a.x USING (EXISTS (SELECT 1 FROM b.y))', ['altered a.x', 'read b.y']],
    ['CREATE SEQUENCE a.s OWNED BY b.x.c', ['created a.s', 'altered b.x']],
    ['SELECT 1 FROM x FOR UPDATE OF x', ['read x']],
    [`DO $$ BEGIN DELETE FROM a.x; EXECUTE 'DROP TABLE b.y'; END $$`, ['written a.x', 'dropped b.y']],
    [`CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1 FROM x'`, ['read x (body)']],
    ['CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 FROM a.x; SELECT 2; END', ['read a.x (body)']],
    [
      'CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.a := count(*) FROM x; RETURN NEW; END $$',
      ['read x (body)'],
    ],
    ['REPACK TABLE x', []],
  ])('%s', (sql, expected) => {
    expect(listRelations(sql)).toEqual(expected);
  });

  it('have the schema of the tenant whose statements are read', () => {
    for (const schema of ['acme', 'a "b"', 'globex']) {
      const quoted = `"${schema.replaceAll('"', '""')}"`;
      const sql = `SELECT f(1) FROM ${quoted}.orders; SELECT ${quoted}.f(1)`;
      const [first, second] = readStatements(sql, schema);
      expect(first).toMatchObject({
        sql: `SELECT f(1) FROM ${quoted}.orders`,
        relations: [{ schema, name: 'orders' }],
      });
      expect(second).toMatchObject({
        sql: `SELECT ${quoted}.f(1)`,
        dataLoss: expect.stringContaining(`calls ${schema}.f()`),
      });
      expect(readStatements(sql, schema)).toEqual(readStatements(sql));
    }
  });
});

describe('a text', () => {
  const PARTS = [
    '-- a; b\n',
    '/* a; /* b; */ c; */',
    `'it''s; '`,
    `E'\\'; '`,
    '$$a; b$$',
    '$x$a; $$ b$x$',
    '"a;""b"',
    'ä',
    '1',
  ];
  const expression = fc
    .array(fc.constantFrom(...PARTS), { minLength: 1, maxLength: 6 })
    .map((parts) => parts.join(' , '));
  const statement = fc
    .oneof(
      expression.map((list) => `SELECT ${list} AS "é"`),
      expression.map((list) => `CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT ${list}; END`),
      expression.map((list) => `DO $do$ BEGIN PERFORM 1; PERFORM ${list}; END $do$`),
    )
    .filter((sql) => !/-- a; b\n ,|^\S+ -- a|, -- a/.test(sql) && readStatements(sql)[0]?.kind !== undefined);

  it('is split where its statements end', () => {
    fc.assert(
      fc.property(fc.array(statement, { maxLength: 6 }), fc.constantFrom(';', '; ;\n', '\n;\t'), (list, end) => {
        expect(readStatements(list.join(end) + end).map(({ sql }) => sql)).toEqual(list);
      }),
    );
  });

  it('is one statement if the grammar does not know it', () => {
    expect(readStatements(' SELECT 1; REPACK TABLE x; ')).toMatchObject([
      { sql: 'SELECT 1; REPACK TABLE x;', kind: undefined },
    ]);
  });

  it.each([
    `SELECT ${'('.repeat(1e5)}1${')'.repeat(1e5)}`,
    `SELECT ${'1 + '.repeat(1e5)}1`,
    `SELECT 1${' UNION SELECT 1'.repeat(1e4)}`,
  ])('may be nested too deeply to be read', (sql) => {
    expect(readStatements(sql)).toMatchObject([{ kind: undefined }]);
    expect(readStatements('SELECT 1')).toMatchObject([{ kind: 'SelectStmt' }]);
  });

  it.each(['', ' ', ';', '-- a', '/* a; */ ; ;'])('may have no statement: %j', (sql) => {
    expect(readStatements(sql)).toEqual([]);
  });
});
