import { setTimeout as sleep } from 'node:timers/promises';
import { startPgBouncer, type PgBouncer } from '../../../test/support/pgbouncer.js';
import { TestDatabase } from '../../../test/support/test-database.js';
import { Fleet } from './support/fleet.js';
import { Runner, type SentMigration } from './support/runner.js';
import { serverSessions } from './support/server-sessions.js';
import { until } from './support/until.js';

/** How often a run is ended by force, in each way; `npm run test:kill` does it a hundred times. */
const KILLS = Number(process.env['PRISMIQ_TEST_KILLS'] ?? 4);
const TENANTS = 4;

/** What a tenant has of the migrations, and what its history says. */
interface State extends Record<string, unknown> {
  notes: boolean;
  traces: number;
  index: boolean;
  indexes: number;
  valid: number;
}

const bouncer = await startPgBouncer({ url: process.env['DATABASE_URL']!, poolSize: 20 });

describe('several processes', () => {
  let database: TestDatabase;
  const runners = new Set<Runner>();
  beforeAll(async () => {
    database = await TestDatabase.create();
    // Makes an index build take long enough to be killed: so long for each row.
    await database.query(
      `CREATE FUNCTION public.slow(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE
       AS 'BEGIN PERFORM pg_catalog.pg_sleep(0.15); RETURN $1; END'`,
    );
  });
  afterAll(async () => {
    await Promise.all([...runners].map((runner) => runner.kill()));
    await database.close();
    await bouncer?.stop();
  });

  const started = (runner: Runner): Runner => {
    runners.add(runner);
    return runner;
  };
  async function ended(runner: Runner, how: 'kill' | 'end'): Promise<void> {
    runners.delete(runner);
    await runner[how]();
  }

  const ORDERS: SentMigration = {
    name: '0001_orders',
    up: ['CREATE TABLE orders (id integer)', 'INSERT INTO orders VALUES (1)'],
  };

  it('four at once share the work, and migrate each tenant once', async () => {
    const { schemas } = new Fleet(database, 'four', 40);
    const gate = await database.pool.connect();
    await gate.query('BEGIN; SELECT pg_advisory_xact_lock(1)');
    const atTheGate: SentMigration = { name: '0001', up: ['SELECT pg_advisory_xact_lock_shared(1)', ...ORDERS.up] };
    const processes = Array.from({ length: 4 }, (_, index) =>
      started(Runner.start({ url: database.url, name: `four_${index}`, schemas, migrations: [atTheGate] })),
    );
    const runs = processes.map((runner) => runner.run({ direction: 'up' }));
    await until('each process has a tenant', async () => {
      const waiting = await database.query(
        `SELECT DISTINCT application_name FROM pg_stat_activity
         WHERE datname = current_database() AND application_name LIKE 'four_%' AND wait_event = 'advisory'`,
      );
      return waiting.length === processes.length;
    });
    await gate.query('COMMIT');
    gate.release();
    const results = await Promise.all(runs);
    expect(results.map(({ report }) => report?.failures)).toEqual([[], [], [], []]);
    const migrated = results.map(({ events }) =>
      events.flatMap((event) =>
        event.type === 'tenant-finished' && event.result.state === 'migrated' ? [event.result.schema] : [],
      ),
    );
    expect(migrated.flat().sort()).toEqual(schemas.toSorted());
    expect(Math.min(...migrated.map(({ length }) => length))).toBeGreaterThan(0);
    await Promise.all(processes.map((runner) => ended(runner, 'end')));
  });

  const isAtIndex = async (): Promise<boolean> =>
    (
      await database.query(
        `SELECT 1 FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'victim' AND state = 'active' AND query ~ '^/\\* prismiq '`,
      )
    ).length > 0;

  const ways = ['a process is killed', 'connections are terminated'] as const;
  const routes = bouncer === undefined ? (['directly'] as const) : (['directly', 'through PgBouncer'] as const);
  describe.each(routes)('of which one is ended by force, %s', (route) => {
    it.each(ways)(
      `${KILLS} times: %s, and the others leave each tenant where it should be`,
      async (way) => {
        const fleet = new Fleet(database, `${way}_${route}`.replaceAll(/\W/g, '_').toLowerCase(), TENANTS);
        const url = route === 'directly' ? database.url : (bouncer as PgBouncer).through(database.url);
        const trial = new Trial(fleet.schemas);
        const start = (name: string) =>
          started(Runner.start({ url, name, schemas: fleet.schemas, migrations: trial.migrations }));
        const survivor = start('survivor');
        await survivor.run({ direction: 'up' });
        let victim = start('victim');
        let spare = start('victim');
        let cutOff = 0;
        for (let index = 0; index < KILLS; index += 1) {
          const command =
            index % 2 === 0 ? ({ direction: 'down', to: '0001_orders' } as const) : ({ direction: 'up' } as const);
          // The first time at once, then in turn some events after the start, and at an index.
          const atEvent = index === 0 ? 1 : index % 4 < 2 ? 1 + Math.floor(Math.random() * 12) : Infinity;
          const events = { count: 0, isOver: false };
          const reached = Promise.withResolvers<void>();
          const runs = [
            victim.run(command, ({ type }) => {
              events.count += 1;
              events.isOver ||= type === 'ended';
              if (events.isOver || events.count === atEvent) {
                reached.resolve();
              }
            }),
            survivor.run(command),
          ] as const;
          if (atEvent === Infinity) {
            await until('the moment', async () => events.isOver || (await isAtIndex()));
          } else {
            await reached.promise;
          }
          if (index > 0) {
            // A little later, so that other places are hit as well.
            await sleep(Math.random() * 20);
          }
          cutOff += events.isOver ? 0 : 1;
          if (way === 'a process is killed') {
            await ended(victim, 'kill');
          } else {
            await database.query(
              `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim' AND datname = current_database()`,
            );
          }
          expect(await trial.halves(command.direction)).toEqual([]);
          let [, outcome] = await Promise.all(runs);
          if (route === 'through PgBouncer' && outcome.error !== undefined) {
            // The two share their server connections, and a run that cannot look at the tenants is rejected.
            outcome = await survivor.run(command);
          }
          const { report, error } = outcome;
          expect({ failures: report?.failures, error }).toEqual({ failures: [], error: undefined });
          expect(await trial.unfinished(command.direction)).toEqual([]);
          if (way === 'a process is killed') {
            [victim, spare] = [spare, start('victim')];
          }
        }
        expect(cutOff).toBeGreaterThan(0);
        if (route === 'through PgBouncer') {
          const sessions = await serverSessions(url, 20, ['search_path']);
          expect(sessions).toEqual(sessions.map(() => ({ search_path: '"$user", public' })));
        }
        await Promise.all([victim, spare, survivor].map((runner) => ended(runner, 'end')));
      },
      60_000 + KILLS * 6000,
    );
  });

  /** Migrations of which each leaves several traces in a tenant, so that a half of one shows. */
  class Trial {
    readonly migrations: SentMigration[] = [
      ORDERS,
      {
        name: '0002_notes',
        up: [
          'ALTER TABLE orders ADD COLUMN note text',
          'CREATE TABLE notes (a integer)',
          'CREATE INDEX notes_a ON notes (a)',
        ],
        down: ['DROP TABLE notes', 'ALTER TABLE orders DROP COLUMN note'],
      },
      {
        name: '0003_index',
        up: [
          'CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_slow ON orders (public.slow(id))',
          'CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_id ON orders (id)',
        ],
        down: ['DROP INDEX CONCURRENTLY IF EXISTS orders_id', 'DROP INDEX CONCURRENTLY IF EXISTS orders_slow'],
        transactional: false,
      },
    ];

    constructor(private readonly schemas: string[]) {}

    /** Tenants in which the migration that is transactional is half there, or that is recorded without a valid index. */
    async halves(direction: 'up' | 'down'): Promise<string[]> {
      const found = await this.states();
      const isHalf = direction === 'up' ? ({ index, valid }: State) => index && valid !== 2 : () => false;
      return found
        .filter((state) => state.traces !== (state.notes ? 3 : 0) || isHalf(state))
        .map((state) => JSON.stringify(state));
    }

    /** Tenants that are not where a run in this direction takes them. */
    async unfinished(direction: 'up' | 'down'): Promise<string[]> {
      const found = await this.states();
      const isUp = direction === 'up';
      return found
        .filter(
          ({ notes, index, indexes, valid }) =>
            notes !== isUp || index !== isUp || indexes !== (isUp ? 2 : 0) || valid !== indexes,
        )
        .map((state) => JSON.stringify(state));
    }

    /** By one statement, which sees all tenants at one moment. */
    private states() {
      const recorded = (schema: string, name: string) =>
        `(SELECT count(*) = 1 FROM ${schema}.mikro_orm_migrations WHERE name = '${name}')`;
      return database.query<State>(
        this.schemas
          .map(
            (schema) => `SELECT '${schema}' AS schema, ${recorded(schema, '0002_notes')} AS notes,
              (SELECT count(*)::int FROM pg_attribute WHERE attrelid = '${schema}.orders'::regclass AND attname = 'note')
                + (SELECT count(*)::int FROM pg_class WHERE relnamespace = '${schema}'::regnamespace AND relname IN ('notes', 'notes_a')) AS traces,
              ${recorded(schema, '0003_index')} AS index, indexes, valid
              FROM (SELECT count(*)::int AS indexes, count(*) FILTER (WHERE indisvalid)::int AS valid
                FROM pg_index WHERE indrelid = '${schema}.orders'::regclass) AS i`,
          )
          .join(' UNION ALL '),
      );
    }
  }
});
