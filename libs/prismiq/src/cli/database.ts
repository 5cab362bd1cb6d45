import { MikroORM, PostgreSqlDriver, type Options } from '@mikro-orm/postgresql';
import { connectionsNeeded, DEFAULT_CONCURRENCY } from '../migrator/check-options.js';
import type { CliDatabase, PrismiqCliConfig } from './config/cli-config.js';
import { UsageError } from './errors.js';

/** Where the database's address came from, for messages. */
export interface DatabaseSource {
  /** A connection string that takes precedence over the configuration. */
  readonly url?: { readonly text: string; readonly from: string } | undefined;
  /** The `database` option. */
  readonly configured: PrismiqCliConfig['database'];
  /** The configuration file. */
  readonly file: string | undefined;
}

/**
 * Opens the database. The ORM is the host's own, with its entities and settings. Only two things differ: a database that does not
 * exist is not created, and the pool is large enough for a run.
 *
 * @throws UsageError
 */
export async function openDatabase(source: DatabaseSource, concurrency = DEFAULT_CONCURRENCY): Promise<MikroORM> {
  const { url } = source;
  const configured =
    typeof source.configured === 'function' ? await blaming(source, 'failed', source.configured) : source.configured;
  if (configured === undefined && url === undefined) {
    throw new UsageError(
      'Which database? Set DATABASE_URL, give --database-url postgres://user@host:5432/name, or let ' +
        `${source.file ?? 'a prismiq.config.ts'} export \`database\`, such as your MikroORM options.`,
    );
  }
  if (isMikroOrm(configured)) {
    if (url !== undefined && url.from !== 'DATABASE_URL') {
      throw new UsageError(
        `${url.from} cannot change the database of a MikroORM that exists already. Leave it out, or let \`database\` in ` +
          `${source.file} be the options instead of the instance.`,
      );
    }
    return assertPostgreSql(configured, source);
  }
  const options = toOrmOptions(configured, source, concurrency);
  // This does not connect yet, so a failure comes from the options.
  return assertPostgreSql(await blaming(source, 'is refused by MikroORM', () => MikroORM.init(options)), source);
}

async function blaming<T>({ file }: DatabaseSource, what: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`\`database\` in ${file} ${what}: ${reason}`, { cause: error });
  }
}

function toOrmOptions(
  configured: string | Options | undefined,
  { url, file }: DatabaseSource,
  concurrency: number,
): Options {
  const own = typeof configured === 'string' ? fromUrl(configured, `\`database\` in ${file}`, {}) : (configured ?? {});
  const options = url === undefined ? own : fromUrl(url.text, url.from, own);
  return {
    entities: [],
    ...options,
    discovery: { warnWhenNoEntities: false, ...options.discovery },
    ensureDatabase: false,
    pool: { ...options.pool, max: Math.max(options.pool?.max ?? 0, connectionsNeeded(concurrency)) },
  };
}

/** MikroORM reads only the address out of a connection string; `pg` understands the rest too, such as `?sslmode=require`. */
function fromUrl(url: string, from: string, base: Options): Options {
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url) || new URL(url).pathname.length < 2) {
    throw new UsageError(`${from} must be a URL such as postgres://user:password@host:5432/database.`);
  }
  const { host: _host, port: _port, user: _user, password: _password, dbName: _dbName, ...others } = base;
  const driverOptions = typeof base.driverOptions === 'function' ? {} : base.driverOptions;
  return { ...others, clientUrl: url, driverOptions: { ...driverOptions, connectionString: url } };
}

const isMikroOrm = (database: CliDatabase | undefined): database is MikroORM =>
  typeof database === 'object' && 'em' in database && 'driver' in database;

function assertPostgreSql(orm: MikroORM, { file }: DatabaseSource): MikroORM {
  if (!(orm.driver instanceof PostgreSqlDriver)) {
    throw new UsageError(`\`database\` in ${file} is not a PostgreSQL database: use @mikro-orm/postgresql.`);
  }
  return orm;
}

/** Names the database without the password. */
export function describeDatabase(orm: MikroORM): string {
  const { host, port, user, database } = orm.em.getConnection().getConnectionOptions() as Record<string, unknown>;
  return `${database} at ${host || 'the default host'}${port ? `:${port}` : ''} as ${user || 'the default user'}`;
}
