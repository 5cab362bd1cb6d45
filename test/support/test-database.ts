import { randomUUID } from 'node:crypto';
import { MikroORM, type Options } from '@mikro-orm/postgresql';
import { Client, Pool, type QueryResultRow } from 'pg';
import { suiteGuard } from './sql-guard.js';

/** The `application_name` that distinguishes a test's own connections from those under test. */
export const TEST_ITSELF = 'the test itself';

/**
 * A database of its own for one test file. Its `public` schema holds no Prismiq tables, so that a statement which escapes its
 * tenant fails.
 */
export class TestDatabase {
  private constructor(
    readonly name: string,
    readonly url: string,
    /** For what a test itself asks or prepares. */
    readonly pool: Pool,
  ) {}

  static async create(): Promise<TestDatabase> {
    const name = `prismiq_test_${randomUUID().replaceAll('-', '')}`;
    await onServer(`CREATE DATABASE ${name}`);
    const url = serverUrl();
    url.pathname = `/${name}`;
    const pool = new Pool({ connectionString: url.href, max: 50, application_name: TEST_ITSELF });
    return new TestDatabase(name, url.href, pool);
  }

  /** Sends a statement and returns its rows, without the SQL guard. */
  async query<Row extends QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> {
    return (await suiteGuard.off(() => this.pool.query<Row>(sql, values))).rows;
  }

  /** A MikroORM instance on this database; it is closed together with the database. */
  async orm(options: Options = {}): Promise<MikroORM> {
    const orm = await MikroORM.init({ ...this.ormOptions(), ...options });
    this.#orms.push(orm);
    return orm;
  }

  /** Asks again and again until something holds. */
  async waitFor(holds: () => Promise<boolean>, timeoutMs = 30_000): Promise<void> {
    for (const deadline = Date.now() + timeoutMs; !(await holds());) {
      if (Date.now() > deadline) {
        throw new Error(`This did not come to hold within ${timeoutMs} ms: ${String(holds)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  readonly #orms: MikroORM[] = [];

  /** Options for an ORM that the test, or Nest, creates and closes. */
  ormOptions(): Options {
    return {
      clientUrl: this.url,
      entities: [],
      discovery: { warnWhenNoEntities: false },
      ensureDatabase: false,
      logger: () => undefined,
      migrations: { snapshot: false },
    };
  }

  /** A pool that has ended may have connections that have not: ending them by force would raise unhandled errors. */
  private async allConnectionsClosed(): Promise<void> {
    for (let attempt = 0; attempt < 40; attempt += 1) {
      if (
        (await onServer(
          `SELECT 1 FROM pg_stat_activity WHERE datname = '${this.name}' AND backend_type = 'client backend'`,
        )) === 0
      ) {
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#orms.map((orm) => orm.close(true)));
    await this.pool.end();
    await this.allConnectionsClosed();
    await onServer(`DROP DATABASE ${this.name} WITH (FORCE)`);
  }
}

function serverUrl(): URL {
  return new URL(process.env['DATABASE_URL']!);
}

/**
 * Not by a pool, which says that it has ended before its connections have.
 *
 * @returns the number of rows
 */
async function onServer(sql: string): Promise<number> {
  const client = new Client({ connectionString: serverUrl().href });
  await client.connect();
  try {
    return (await client.query(sql)).rows.length;
  } finally {
    await client.end();
  }
}
