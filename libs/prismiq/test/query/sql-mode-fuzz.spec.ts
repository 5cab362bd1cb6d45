import fc, { type Arbitrary } from 'fast-check';
import type { DatabaseError, PoolClient } from 'pg';
import { sql } from '../../src/sql/fragment.js';
import { loadSqlGrammar } from '../../src/sql/statements/grammar.js';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { SqlText } from '../../src/query/sql-mode/sql-text.js';
import { anyStatement } from './sql-mode-statements.js';
import {
  compile,
  createViews,
  createWorld,
  FOREIGN,
  HIDDEN,
  readOnly,
  readRows,
  SHARED,
  TENANT_A,
} from './sql-mode.world.js';

/** .ci/run does them all. */
const ALL_OPERATIONS = 20_000;
const OPERATIONS = Number(process.env['FUZZ_OPERATIONS'] ?? 2000);
const SEED = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 1_000_000));
/** As many statements run at a time. */
const BATCH = 8;

process.stderr.write(
  `${OPERATIONS < ALL_OPERATIONS ? `NOT RUN IN FULL (FUZZ_OPERATIONS=${ALL_OPERATIONS} does): ` : ''}` +
    `SQL mode fuzz, ${OPERATIONS} statements. To repeat it: FUZZ_SEED=${SEED} npm test -- sql-mode-fuzz\n`,
);

/** What a statement could leave behind in its session. */
const SESSION = `SELECT current_user, session_user, current_setting('search_path') AS path, current_setting('role') AS role,
  (SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE source = 'session') AS settings,
  (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory') AS locks,
  (SELECT count(*) FROM pg_prepared_statements) + (SELECT count(*) FROM pg_cursors) AS others,
  (SELECT count(*) FROM pg_class WHERE relpersistence = 't') AS temporary, pg_listening_channels() AS channels`;

/** All rows of all tenants. */
const ROWS = `SELECT query_to_xml(format('SELECT * FROM %s ORDER BY 1, 2', oid::regclass), true, false, '')::text AS rows
  FROM pg_class WHERE relkind IN ('r', 'S') AND relnamespace::regnamespace::text IN ('tenant_a', 'tenant_b', 'shared') ORDER BY 1`;

let database: TestDatabase;
let views: TestDatabase;

beforeAll(async () => {
  await loadSqlGrammar();
  [database, views] = await Promise.all([TestDatabase.create(), TestDatabase.create()]);
  await Promise.all([createWorld(database), createViews(views)]);
});
afterAll(() => Promise.all([database.close(), views.close()]));

const MAXIMUM_ROWS = 500;
/** Results that differ from one run to the next. */
const VARIES = /now\(\)|LIMIT|OFFSET|FETCH/;

/** The rows as JSON, or the error. */
const readAnswer = (client: PoolClient, text: string, values: readonly unknown[]): Promise<string> =>
  readRows(client, text, values).then(
    ({ rows }) => JSON.stringify(rows.map((row) => JSON.stringify(row)).toSorted()),
    ({ code, message, detail }: DatabaseError) => `${code} ${message} ${detail ?? ''}`,
  );

/** The same text, sent as it is by someone who may read views of what tenant_a may see. */
const readByHand = (text: string, isShared: boolean, parameters: readonly unknown[]): Promise<string> => {
  const sqlText = new SqlText(text);
  return readOnly(views, `${isShared ? 'shared' : 'tenant_a'}, pg_catalog`, (client) =>
    readAnswer(client, sqlText.join(), parameters.slice(0, sqlText.parameters.length)),
  );
};

/** Runs the text, if it is accepted, and says what went wrong. */
async function findFaults(text: string, isShared: boolean): Promise<string[] | undefined> {
  const compiled = compile(text, {
    params: { n: 3, s: 'paid', list: ['a', 'b'] },
    maximumRows: MAXIMUM_ROWS,
    ...(isShared ? { schema: SHARED, rowRule: sql`tenant = ${'a'}` } : { schema: TENANT_A }),
  });
  if (Array.isArray(compiled)) {
    return undefined;
  }
  const { answer, before, after } = await readOnly(database, 'pg_catalog, pg_temp', async (client) => {
    const before = (await client.query(SESSION)).rows;
    await client.query('SAVEPOINT before');
    const answer = await readAnswer(client, compiled.sql, compiled.parameters);
    await client.query('ROLLBACK TO SAVEPOINT before');
    return { answer, before, after: (await client.query(SESSION)).rows };
  });
  const byHand = await readByHand(text, isShared, compiled.parameters);
  const isComparable = !VARIES.test(text) && (!answer.startsWith('[') || JSON.parse(answer).length <= MAXIMUM_ROWS);
  const resultOf = (answer: string): string => (answer.startsWith('[') ? answer : answer.slice(0, 5));
  return [
    ...[FOREIGN, HIDDEN].filter((mark) => answer.includes(mark)).map((mark) => `${mark} in ${answer}`),
    ...(/^(25006|XX000|08|57P)/.test(answer) ? [answer] : []),
    ...(JSON.stringify(before) === JSON.stringify(after) ? [] : [`the session: ${JSON.stringify(after)}`]),
    ...(isComparable && resultOf(answer) !== resultOf(byHand) ? [`${answer} is not ${byHand}`] : []),
  ];
}

const inBatches = <T>(values: T[]): T[][] =>
  Array.from({ length: Math.ceil(values.length / BATCH) }, (_, index) =>
    values.slice(index * BATCH, (index + 1) * BATCH),
  );

const sample = (arbitrary: Arbitrary<string>, seed: number): string[] =>
  fc.sample(arbitrary, { numRuns: OPERATIONS / 2, seed });

it.each([
  ['a schema for each tenant', false],
  ['one table for all tenants', true],
])(
  'no accepted text shows what is hidden or changes anything, with %s',
  async (_, isShared) => {
    const rows = JSON.stringify(await database.query(ROWS));
    const count = { accepted: 0, refused: 0 };
    for (const batch of inBatches(sample(anyStatement(isShared), SEED))) {
      const results = await Promise.all(batch.map((text) => findFaults(text, isShared)));
      for (const [index, faults] of results.entries()) {
        count[faults === undefined ? 'refused' : 'accepted'] += 1;
        expect({ text: batch[index], faults: faults ?? [] }).toEqual({ text: batch[index], faults: [] });
      }
    }
    expect(JSON.stringify(await database.query(ROWS))).toBe(rows);
    // Hostile ones are in the majority, and enough come through.
    expect(count.refused).toBeGreaterThan(OPERATIONS / 4);
    expect(count.accepted).toBeGreaterThan(OPERATIONS / 8);
  },
  600_000,
);
