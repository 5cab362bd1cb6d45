import fc from 'fast-check';
import { Client, Pool } from 'pg';
import {
  ConnectionFailedError,
  ensureTables,
  InvalidSchemaNameError,
  PermissionDeniedError,
  prismiqSchemaSql,
  SchemaMismatchError,
  SchemaNotFoundError,
  StatementTimeoutError,
  verifyTables,
  type SqlTarget,
} from '@prismiq/nestjs';
import { describeCatalog, schemaNames } from '../../../test/support/catalog.js';
import { suiteGuard } from '../../../test/support/sql-guard.js';
import { TestDatabase } from '../../../test/support/test-database.js';
import { holdLock } from './support/locks.js';

describe('ensureTables', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.close());

  const tableCount = async (schema: string) =>
    (await database.query(`SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename LIKE 'prismiq%'`, [schema]))
      .length;
  const ALL_TABLES = 4; // with the history

  async function withClient<T>(use: (client: Client) => Promise<T>): Promise<T> {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    try {
      return await use(client);
    } finally {
      await client.end();
    }
  }

  describe('on every kind of target', () => {
    it('a MikroORM instance', async () => {
      await ensureTables(await database.orm(), { schema: 'on_orm', createSchema: true });
      expect(await tableCount('on_orm')).toBe(ALL_TABLES);
    });

    it('a pg pool, which stays usable', async () => {
      const pool = new Pool({ connectionString: database.url, max: 2 });
      await ensureTables(pool, { schema: 'on_pool', createSchema: true });
      await expect(ensureTables(pool, { schema: 'nowhere' })).rejects.toThrow(SchemaNotFoundError);
      expect([pool.totalCount, pool.idleCount]).toEqual([1, 1]);
      expect((await pool.query('SELECT pg_current_xact_id_if_assigned() AS xact')).rows).toEqual([{ xact: null }]);
      await pool.end();
      expect(await tableCount('on_pool')).toBe(ALL_TABLES);
    });

    it('a pg client outside of a transaction, in a transaction of its own', async () => {
      await withClient(async (client) => {
        await ensureTables(client, { schema: 'on_client', createSchema: true });
        expect(await tableCount('on_client')).toBe(ALL_TABLES);
      });
    });
  });

  describe('inside a transaction of the host', () => {
    it('of an EntityManager: a rollback leaves nothing', async () => {
      const em = (await database.orm()).em.fork();
      const failure = em.transactional(async (tx) => {
        await ensureTables(tx, { schema: 'em_back', createSchema: true });
        expect((await tx.execute(`SELECT 1 FROM "em_back"."prismiq_dashboards"`)).length).toBe(0);
        throw new Error('the host changed its mind');
      });
      await expect(failure).rejects.toThrow('the host changed its mind');
      expect(await schemaNames(database)).not.toContain('em_back');

      await em.transactional((tx) => ensureTables(tx, { schema: 'em_forth', createSchema: true }));
      expect(await tableCount('em_forth')).toBe(ALL_TABLES);
    });

    it('of the em.transactional() of a MikroORM instance', async () => {
      const orm = await database.orm();
      const failure = orm.em.fork().transactional(async () => {
        await ensureTables(orm, { schema: 'orm_back', createSchema: true });
        throw new Error('no');
      });
      await expect(failure).rejects.toThrow('no');
      expect(await schemaNames(database)).not.toContain('orm_back');
    });

    it('of a pg client: a rollback leaves nothing', async () => {
      await withClient(async (client) => {
        await client.query('BEGIN');
        await ensureTables(client, { schema: 'client_back', createSchema: true });
        await client.query('ROLLBACK');
        expect(await schemaNames(database)).not.toContain('client_back');

        await client.query('BEGIN');
        await ensureTables(client, { schema: 'client_forth', createSchema: true });
        await client.query('COMMIT');
        expect(await tableCount('client_forth')).toBe(ALL_TABLES);
      });
    });

    it('the search_path of later statements is not touched', async () => {
      await withClient(async (client) => {
        await client.query('BEGIN');
        await ensureTables(client, { schema: 'path_check', createSchema: true });
        expect((await client.query('SHOW search_path')).rows).toEqual([{ search_path: '"$user", public' }]);
        await client.query('COMMIT');
      });
    });

    it('of another MikroORM instance, which has the same context name: it is refused, not written to the wrong database', async () => {
      const other = await TestDatabase.create();
      const [mine, theirs] = [await database.orm(), await other.orm()];
      const failure = mine.em
        .fork()
        .transactional(() => ensureTables(theirs, { schema: 'strayed', createSchema: true }));
      await expect(failure).rejects.toThrow(/Give each a contextName of its own/);
      expect(await schemaNames(database)).not.toContain('strayed');
      await other.close();
    });

    it('its failure can be caught: the transaction stays usable, and keeps nothing of the attempt', async () => {
      await database.query(`CREATE SCHEMA odd; CREATE TABLE odd.prismiq_widgets (id integer)`);
      const em = (await database.orm()).em.fork();
      await em.transactional(async (tx) => {
        await expect(ensureTables(tx, { schema: 'odd' })).rejects.toThrow(SchemaMismatchError);
        await tx.execute('CREATE SCHEMA after_failure');
      });
      await withClient(async (client) => {
        await client.query('BEGIN');
        await expect(ensureTables(client, { schema: 'odd' })).rejects.toThrow(SchemaMismatchError);
        await client.query('CREATE SCHEMA after_failure_too');
        await client.query('COMMIT');
      });
      expect(await tableCount('odd')).toBe(1);
      expect(await schemaNames(database)).toEqual(expect.arrayContaining(['after_failure', 'after_failure_too']));
    });
  });

  it('succeeds 40 times at once on one new schema, 20 rounds, each from a connection of its own', async () => {
    const clients = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const client = new Client({ connectionString: database.url });
        await client.connect();
        return client;
      }),
    );
    const expected = prismiqSchemaSql();
    expect(expected).toContain('prismiq_dashboards');
    for (let round = 0; round < 20; round += 1) {
      const schema = `race_${round}`;
      // Half of the rounds race for the schema as well.
      const createSchema = round % 2 === 0;
      if (!createSchema) {
        await database.query(`CREATE SCHEMA ${schema}`);
      }
      const results = await Promise.all(clients.map((client) => ensureTables(client, { schema, createSchema })));
      expect(results.filter(({ created }) => created)).toHaveLength(1);
      expect(await tableCount(schema)).toBe(ALL_TABLES);
      expect(await verifyTables(clients[0]!, { schema })).toEqual([]);
      expect(await database.query(`SELECT count(*)::int AS n FROM ${schema}.prismiq_migrations`)).toEqual([{ n: 2 }]);
    }
    await Promise.all(clients.map((client) => client.end()));
  });

  describe('when another process works on the schema', () => {
    const refused = { code: 'TENANT_LOCKED', statusCode: 503, sqlState: '55P03' };

    it('gives up after a while, inside of the host’s transaction as well, which keeps its own time limit', async () => {
      await withClient(async (holder) => {
        await holder.query('BEGIN');
        await ensureTables(holder, { schema: 'busy', createSchema: true });
        const options = { schema: 'busy', createSchema: true, lockTimeoutMs: 50 };
        await expect(ensureTables(database.pool, options)).rejects.toMatchObject({ ...refused, schema: 'busy' });
        await withClient(async (client) => {
          await client.query(`BEGIN; SET LOCAL lock_timeout = '7s'`);
          await expect(ensureTables(client, options)).rejects.toMatchObject({ ...refused, schema: 'busy' });
          expect(await ensureTables(client, { schema: 'free', createSchema: true })).toMatchObject({ created: true });
          expect((await client.query('SHOW lock_timeout')).rows).toEqual([{ lock_timeout: '7s' }]);
        });
      });
    });

    it('gives up when its tables are locked', async () => {
      await ensureTables(database.pool, { schema: 'rebuilt', createSchema: true });
      const holder = await holdLock(database, 'LOCK rebuilt.prismiq_migrations IN ACCESS EXCLUSIVE MODE');
      const options = { schema: 'rebuilt', lockTimeoutMs: 50 };
      await expect(ensureTables(database.pool, options)).rejects.toMatchObject(refused);
      expect(await verifyTables(database.pool, options)).toEqual([]);
      await holder.release();
    });

    it.each([0, 1.5, -1])('refuses %j as a time limit', async (lockTimeoutMs) => {
      await expect(ensureTables(database.pool, { schema: 'x', lockTimeoutMs })).rejects.toThrow(RangeError);
    });
  });

  describe('when the connection fails', () => {
    const lock = async (schema: string): Promise<Client> => {
      const holder = new Client({ connectionString: database.url });
      await holder.connect();
      await holder.query('BEGIN');
      await ensureTables(holder, { schema, createSchema: true });
      return holder;
    };

    it('leaves no transaction open on a pool whose queries time out', async () => {
      const holder = await lock('slow');
      const pool = new Pool({ connectionString: database.url, max: 1, query_timeout: 200 });
      await expect(ensureTables(pool, { schema: 'slow', createSchema: true })).rejects.toThrow(StatementTimeoutError);
      await holder.query('ROLLBACK');
      await holder.end();
      expect(
        (await pool.query('SELECT pg_current_xact_id_if_assigned() AS xact, pg_backend_pid() AS pid')).rows,
      ).toEqual([{ xact: null, pid: expect.any(Number) }]);
      await pool.query('CREATE SCHEMA written_by_the_host');
      await pool.end();
      expect(await schemaNames(database)).toContain('written_by_the_host');
    });

    it('rejects, and ends nothing else, when the server ends a connection of a pool', async () => {
      const holder = await lock('ended');
      const pool = new Pool({ connectionString: database.url, max: 1, application_name: 'prismiq_ended' });
      pool.on('error', () => undefined);
      const waiting = ensureTables(pool, { schema: 'ended', createSchema: true });
      const outcome = waiting.catch((error: unknown) => error);
      const waits = `SELECT pid FROM pg_stat_activity WHERE application_name = 'prismiq_ended' AND wait_event_type = 'Lock'`;
      await database.waitFor(async () => (await database.query(waits)).length > 0);
      await database.query(`SELECT pg_terminate_backend(pid) FROM (${waits}) AS waiting`);
      expect(await outcome).toBeInstanceOf(ConnectionFailedError);
      await holder.query('ROLLBACK');
      await holder.end();
      expect(await ensureTables(pool, { schema: 'ended', createSchema: true })).toMatchObject({ created: true });
      await pool.end();
    });

    it('keeps concurrent calls on one client apart, even if some fail', async () => {
      await withClient(async (client) => {
        const results = await Promise.allSettled(
          Array.from({ length: 10 }, (_, i) =>
            ensureTables(client, { schema: `shared_${i}`, createSchema: i % 2 === 0 }),
          ),
        );
        expect(results.map(({ status }) => status)).toEqual(
          Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? 'fulfilled' : 'rejected')),
        );
      });
    });
  });

  describe('where transactions are not read committed', () => {
    it('by default of the database: first starts at once all succeed', async () => {
      const strict = await TestDatabase.create();
      await strict.query(`ALTER DATABASE ${strict.name} SET default_transaction_isolation = 'repeatable read'`);
      const pool = new Pool({ connectionString: strict.url, max: 8 });
      const results = await Promise.all(
        Array.from({ length: 8 }, () => ensureTables(pool, { schema: 'tenant', createSchema: true })),
      );
      expect(results.filter(({ created }) => created)).toHaveLength(1);
      await pool.end();
      await strict.close();
    });

    it('in the transaction of a host that began too early: says so', async () => {
      await withClient(async (client) => {
        await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM pg_class LIMIT 1');
        await ensureTables(database.pool, { schema: 'unseen', createSchema: true });
        await expect(ensureTables(client, { schema: 'unseen', createSchema: true })).rejects.toMatchObject({
          code: expect.stringMatching(/DATABASE_ERROR/),
        });
        await client.query('ROLLBACK');
        expect(await ensureTables(client, { schema: 'unseen' })).toMatchObject({ created: false });
      });
    });
  });

  describe('without a schema', () => {
    it('uses the current schema of the connection', async () => {
      await withClient(async (client) => {
        await suiteGuard.off(() => client.query('CREATE SCHEMA current; SET search_path TO current'));
        expect(await ensureTables(client)).toEqual({ schema: 'current', created: true });
      });
      expect(await tableCount('current')).toBe(ALL_TABLES);
    });

    it('says so when there is none', async () => {
      await withClient(async (client) => {
        await suiteGuard.off(() => client.query('SET search_path TO missing'));
        await expect(ensureTables(client)).rejects.toThrow(/no current schema.*Pass \{ schema \}/);
      });
    });

    it('can be public, for a host with one tenant', async () => {
      const other = await TestDatabase.create();
      expect(await suiteGuard.off(() => ensureTables(other.pool))).toEqual({ schema: 'public', created: true });
      await other.close();
    });
  });

  describe('creates what is missing and checks what exists', () => {
    it('adds a missing table, index, column of a later version, and history', async () => {
      await database.query(`CREATE SCHEMA gaps`);
      await ensureTables(database.pool, { schema: 'gaps' });
      const whole = await describeCatalog(database, 'gaps');
      await database.query(
        `DROP TABLE gaps.prismiq_saved_queries, gaps.prismiq_migrations; DROP INDEX gaps.idx_widgets_dashboard_id;
         ALTER TABLE gaps.prismiq_dashboards DROP COLUMN version`,
      );
      expect(await ensureTables(database.pool, { schema: 'gaps' })).toEqual({ schema: 'gaps', created: true });
      expect(await describeCatalog(database, 'gaps')).toEqual(whole);
    });

    it('keeps the rows of a schema that is behind', async () => {
      await database.query(`CREATE SCHEMA behind`);
      await ensureTables(database.pool, { schema: 'behind' });
      await database.query(
        `ALTER TABLE behind.prismiq_dashboards DROP COLUMN version; DELETE FROM behind.prismiq_migrations WHERE id = 2;
         INSERT INTO behind.prismiq_dashboards (tenant_id, name) VALUES ('t', 'kept')`,
      );
      await ensureTables(database.pool, { schema: 'behind' });
      expect(await database.query('SELECT name, version FROM behind.prismiq_dashboards')).toEqual([
        { name: 'kept', version: 1 },
      ]);
    });

    it('names the table whose index has taken a name', async () => {
      await database.query(
        `CREATE SCHEMA taken; CREATE TABLE taken.dashboards (id integer); CREATE INDEX idx_dashboards_tenant_id ON taken.dashboards (id)`,
      );
      await expect(ensureTables(database.pool, { schema: 'taken' })).rejects.toThrow(
        /idx_dashboards_tenant_id: expected .*, found an index of table dashboards, which has this name; rename it/,
      );
      expect(await tableCount('taken')).toBe(0);
    });

    it('accepts harmless additions of the host', async () => {
      await ensureTables(database.pool, { schema: 'extended', createSchema: true });
      await database.query(
        `ALTER TABLE extended.prismiq_dashboards ADD COLUMN folder text, ADD COLUMN rank integer NOT NULL DEFAULT 0;
         CREATE INDEX mine ON extended.prismiq_dashboards (folder)`,
      );
      expect(await ensureTables(database.pool, { schema: 'extended' })).toEqual({ schema: 'extended', created: false });
    });

    it.each([
      [
        'a column of another type',
        'ALTER TABLE s.prismiq_dashboards ALTER COLUMN description TYPE varchar(10)',
        'column prismiq_dashboards.description: expected text, found character varying(10)',
      ],
      [
        'a missing column',
        'ALTER TABLE s.prismiq_widgets DROP COLUMN config',
        `column prismiq_widgets.config: expected jsonb not null default '{}'::jsonb, found nothing`,
      ],
      [
        'a missing default',
        'ALTER TABLE s.prismiq_widgets ALTER COLUMN config DROP DEFAULT',
        `column prismiq_widgets.config: expected jsonb not null default '{}'::jsonb, found jsonb not null`,
      ],
      [
        'a nullable column',
        'ALTER TABLE s.prismiq_saved_queries ALTER COLUMN query DROP NOT NULL',
        'column prismiq_saved_queries.query: expected jsonb not null, found jsonb',
      ],
      [
        'a missing unique constraint',
        'ALTER TABLE s.prismiq_dashboards DROP CONSTRAINT unique_dashboard_name_per_tenant',
        'constraint prismiq_dashboards.unique_dashboard_name_per_tenant: expected UNIQUE (tenant_id, name), found nothing',
      ],
      [
        'another delete rule',
        'ALTER TABLE s.prismiq_widgets DROP CONSTRAINT prismiq_widgets_dashboard_id_fkey, ADD CONSTRAINT prismiq_widgets_dashboard_id_fkey FOREIGN KEY (dashboard_id) REFERENCES s.prismiq_dashboards',
        'found FOREIGN KEY (dashboard_id) REFERENCES prismiq_dashboards(id)\n',
      ],
      [
        'a foreign key to another schema',
        'CREATE TABLE IF NOT EXISTS public.prismiq_other (id uuid PRIMARY KEY); ALTER TABLE s.prismiq_widgets DROP CONSTRAINT prismiq_widgets_dashboard_id_fkey, ADD CONSTRAINT prismiq_widgets_dashboard_id_fkey FOREIGN KEY (dashboard_id) REFERENCES public.prismiq_other ON DELETE CASCADE',
        'prismiq_other(id) ON DELETE CASCADE',
      ],
      [
        'an index on other columns',
        'DROP INDEX s.idx_dashboards_owner_id; CREATE INDEX idx_dashboards_owner_id ON s.prismiq_dashboards (owner_id)',
        'index prismiq_dashboards.idx_dashboards_owner_id: expected USING btree (tenant_id, owner_id), found USING btree (owner_id)',
      ],
      [
        'a foreign column that every insert would have to fill',
        'ALTER TABLE s.prismiq_dashboards ADD COLUMN folder text NOT NULL',
        'column prismiq_dashboards.folder: expected nothing of this name, found text not null',
      ],
      [
        'a view of the name',
        'DROP TABLE s.prismiq_saved_queries; CREATE VIEW s.prismiq_saved_queries AS SELECT 1 AS id',
        'table prismiq_saved_queries: expected table, found view',
      ],
    ])('refuses %s, lists it, and changes nothing', async (_, spoil, difference) => {
      await database.query('DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s');
      await ensureTables(database.pool, { schema: 's' });
      await database.query(spoil);
      await database.query('DROP INDEX IF EXISTS s.idx_widgets_dashboard_id'); // which could be repaired
      const before = await describeCatalog(database, 's');
      const error = await ensureTables(database.pool, { schema: 's' }).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(SchemaMismatchError);
      expect(error).toMatchObject({ code: 'SCHEMA_MISMATCH', schema: 's' });
      expect((error as Error).message).toContain(difference);
      expect(await describeCatalog(database, 's')).toEqual(before);
    });
  });

  describe('refuses a schema name', () => {
    const targets: [string, SqlTarget][] = [];
    beforeAll(async () => {
      targets.push(['pool', database.pool], ['orm', await database.orm()]);
    });

    it.each([
      '',
      'public',
      'PUBLIC',
      'information_schema',
      'pg_catalog',
      'pg_temp_1',
      'a b',
      'a-b',
      'a.b',
      'a"b',
      "a'b",
      'a;b',
      'tenant_1\n',
      ' a',
      'a\u0000',
      'ä',
      'ａ',
      'a'.repeat(64),
    ])('%j', async (schema) => {
      const before = await schemaNames(database);
      for (const [, target] of targets) {
        await expect(ensureTables(target, { schema, createSchema: true })).rejects.toThrow(InvalidSchemaNameError);
        await expect(verifyTables(target, { schema })).rejects.toThrow(InvalidSchemaNameError);
      }
      expect(() => prismiqSchemaSql({ schema })).toThrow(InvalidSchemaNameError);
      expect(await schemaNames(database)).toEqual(before);
    });

    it('with anything other than letters, digits and underscores', () => {
      fc.assert(
        fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (schema) => {
          const isFine = /^[A-Za-z0-9_]{1,63}$/.test(schema) && !/^(public|information_schema|pg_.*)$/i.test(schema);
          const use = () => prismiqSchemaSql({ schema });
          return isFine ? use().includes(`"${schema}"`) : throws(use);
        }),
      );
    });

    it('takes 63 characters', async () => {
      const schema = 'a'.repeat(63);
      await ensureTables(database.pool, { schema, createSchema: true });
      expect(await tableCount(schema)).toBe(ALL_TABLES);
    });
  });

  describe('says what to do', () => {
    it.each([undefined, null, 'postgres://', {}])('when the target is %j', async (target) => {
      await expect(ensureTables(target as never, { schema: 'any' })).rejects.toThrow(
        /EntityManager, a pg Pool or a pg client/,
      );
    });

    it('when the schema does not exist', async () => {
      const error = await ensureTables(database.pool, { schema: 'absent' }).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(SchemaNotFoundError);
      expect((error as Error).message).toMatch(/CREATE SCHEMA "absent".*createSchema: true/);
      await expect(verifyTables(database.pool, { schema: 'absent' })).rejects.toThrow(SchemaNotFoundError);
      expect(await schemaNames(database)).not.toContain('absent');
    });

    it('when the role may not create tables', async () => {
      const role = `prismiq_reader_${database.name.slice(-8)}`;
      await database.query(
        `CREATE ROLE ${role} LOGIN PASSWORD 'reader'; CREATE SCHEMA guarded; GRANT USAGE ON SCHEMA guarded TO ${role}`,
      );
      const url = new URL(database.url);
      url.username = role;
      url.password = 'reader';
      const pool = new Pool({ connectionString: url.href, max: 1 });
      const error = await ensureTables(pool, { schema: 'guarded' }).catch((caught: unknown) => caught);
      await expect(ensureTables(pool, { schema: 'forbidden', createSchema: true })).rejects.toThrow(
        PermissionDeniedError,
      );
      await pool.end();
      await database.query(`REVOKE USAGE ON SCHEMA guarded FROM ${role}; DROP ROLE ${role}`);
      expect(error).toBeInstanceOf(PermissionDeniedError);
      expect(error).toMatchObject({ sqlState: '42501', schema: 'guarded' });
      expect((error as Error).message).toMatch(/Grant it USAGE and CREATE on schema "guarded"/);
    });

    it.each([
      ['nothing listens', (url: URL) => (url.port = '1')],
      ['the database does not exist', (url: URL) => (url.pathname = '/no_such_database')],
    ])('when %s', async (_, spoil) => {
      const url = new URL(database.url);
      spoil(url);
      const pool = new Pool({ connectionString: url.href, max: 1 });
      await expect(ensureTables(pool, { schema: 'any' })).rejects.toThrow(ConnectionFailedError);
      await pool.end();
    });
  });
});

function throws(use: () => unknown): boolean {
  try {
    use();
    return false;
  } catch (error) {
    return error instanceof InvalidSchemaNameError;
  }
}
