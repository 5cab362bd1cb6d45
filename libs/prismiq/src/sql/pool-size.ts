import type { MikroORM } from '@mikro-orm/postgresql';

/** How many connections a pool of `pg` opens at most if nothing says otherwise. */
export const DEFAULT_POOL_SIZE = 10;

/** How many connections the pool of a MikroORM instance may open. */
export function getPoolSize(orm: MikroORM): number {
  const driverOptions = orm.config.get('driverOptions') as { max?: number } | undefined;
  return driverOptions?.max ?? orm.config.get('pool')?.max ?? DEFAULT_POOL_SIZE;
}
