import type { MikroORM, PostgreSqlConnection } from '@mikro-orm/postgresql';
import { InvalidOptionsError } from '../errors/configuration.errors.js';
import type { PgPool } from '../sql/pg-executor.js';
import { connectionsNeeded } from './check-options.js';

/**
 * A run that waits for a connection while it holds others would wait forever.
 *
 * @throws InvalidOptionsError if the pool is too small for a run
 */
export async function assertPoolSize(database: MikroORM | PgPool, concurrency: number): Promise<void> {
  const max = await poolSize(database);
  const needed = connectionsNeeded(concurrency);
  if (max !== undefined && max < needed) {
    const setting = 'em' in database ? `pool: { max: ${needed} }` : `new Pool({ max: ${needed} })`;
    const alternative = max < connectionsNeeded(1) ? '' : `, or migrate with a concurrency of ${max - 2}`;
    throw new InvalidOptionsError(
      'database',
      `has a pool of ${max}, but a run with a concurrency of ${concurrency} needs ${needed} connections. Use ${setting}${alternative}.`,
      {},
      'TenantMigrator',
    );
  }
}

async function poolSize(database: MikroORM | PgPool): Promise<number | undefined> {
  if (!('em' in database)) {
    return (database as PgPool & { options?: { max?: number } }).options?.max;
  }
  // A host may give MikroORM a Kysely dialect of its own, which has no pool that MikroORM knows.
  const connection = database.em.getConnection('write') as PostgreSqlConnection;
  const pool = await connection.getNativeClient().catch(() => undefined);
  return pool?.options.max ?? undefined;
}
