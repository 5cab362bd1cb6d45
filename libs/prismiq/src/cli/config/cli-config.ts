import type { MikroORM, Options } from '@mikro-orm/postgresql';
import type { RunOptions, TenantMigratorOptions } from '../../migrator/migrator-options.js';

/** The database, in one of the forms in which a host has it. @publicApi */
export type CliDatabase = Options | MikroORM | string;

/**
 * What a `prismiq.config.ts` exports by default: the database, and the other options of TenantMigrator.
 *
 * @publicApi
 */
export interface PrismiqCliConfig
  extends
    Omit<TenantMigratorOptions, 'database'>,
    Pick<RunOptions, 'concurrency' | 'onError' | 'maxFailures' | 'waitForOthersMs' | 'betweenRings'> {
  /**
   * The database: the options of your MikroORM, a MikroORM instance, a connection string, or a function that gives one of them.
   * `--database-url`, PRISMIQ_DATABASE_URL and DATABASE_URL take precedence over its address, unless it is an instance.
   * @default the database that those name
   */
  database?: CliDatabase | (() => CliDatabase | Promise<CliDatabase>) | undefined;
}

/**
 * Types the configuration of the `prismiq` command.
 *
 * @example
 * ```ts
 * // prismiq.config.ts
 * import { definePrismiqConfig } from '@prismiq/nestjs';
 * import mikroOrmConfig from './src/mikro-orm.config.js';
 *
 * export default definePrismiqConfig({ database: mikroOrmConfig, rings: ['canary'] });
 * ```
 * @publicApi
 */
export function definePrismiqConfig(config: PrismiqCliConfig): PrismiqCliConfig {
  return config;
}
