import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MikroORM } from '@mikro-orm/postgresql';
import type { ListedTenant } from '../directory/tenant-directory.js';
import type { RunOptions, TenantMigratorOptions, TenantSelection } from '../migrator/migrator-options.js';
import type { TenantMigrator } from '../migrator/tenant-migrator.js';
import type { OptionValues } from './commands/options.js';
import type { PrismiqCliConfig } from './config/cli-config.js';
import { findConfig } from './config/find-config.js';
import { UsageError } from './errors.js';
import type { Output } from './output/output.js';

const CLOSE_TIMEOUT_MS = 1000;

/** How a run works through the tenants. */
export type RunSettings = Pick<
  RunOptions,
  'concurrency' | 'onError' | 'maxFailures' | 'waitForOthersMs' | 'betweenRings'
>;

/** The content of a configuration file, grouped by where it is used. Without a file, no option is set. */
interface LoadedConfig {
  readonly file: string | undefined;
  readonly database: PrismiqCliConfig['database'];
  readonly run: RunSettings;
  readonly migrator: Omit<TenantMigratorOptions, 'database'>;
}

/**
 * The configuration, database and migrator of one run of the command, each created when first needed. Flags take precedence
 * over the environment (see {@link OptionValues}), and the environment over the file.
 */
export class Session {
  #config: Promise<LoadedConfig> | undefined;
  #orm: Promise<MikroORM> | undefined;

  constructor(
    private readonly values: OptionValues,
    readonly env: NodeJS.ProcessEnv,
    private readonly folder: string,
    private readonly output: Output,
  ) {}

  private config(): Promise<LoadedConfig> {
    this.#config ??= this.readConfig();
    return this.#config;
  }

  orm(): Promise<MikroORM> {
    this.#orm ??= this.openDatabase();
    return this.#orm;
  }

  async migrator(): Promise<TenantMigrator> {
    const { migrator: options } = await this.config();
    const { TenantMigrator } = await import('../migrator/tenant-migrator.js');
    return new TenantMigrator({
      ...options,
      database: await this.orm(),
      lockTimeoutMs: this.values.lockTimeout ?? options.lockTimeoutMs,
      statementTimeoutMs: this.values.statementTimeout ?? options.statementTimeoutMs,
    });
  }

  async tenants(): Promise<ListedTenant[]> {
    const selection = this.selection();
    return (await this.migrator()).tenants(selection);
  }

  async runSettings(): Promise<RunSettings> {
    const { run } = await this.config();
    const onError = this.values.onError ?? run.onError;
    const maxFailures = this.values.maxFailures ?? run.maxFailures;
    if (maxFailures !== undefined && onError !== 'continue') {
      throw new UsageError(
        'How many tenants may fail (--max-failures, PRISMIQ_MAX_FAILURES, `maxFailures`) matters only if a run goes on after one: ' +
          'add --on-error continue.',
      );
    }
    return {
      ...run,
      concurrency: this.values.concurrency ?? run.concurrency,
      onError,
      maxFailures,
      waitForOthersMs: this.values.wait ?? run.waitForOthersMs,
    };
  }

  /** Whether the flags say which tenants are meant. */
  get selects(): boolean {
    const { tenant, ring, tag, all } = this.values;
    return all === true || (tenant ?? ring ?? tag) !== undefined;
  }

  /** The tenants that the flags select; without any flag, all. */
  selection(): TenantSelection {
    const { tenant, ring, tag, all } = this.values;
    if (all === true && (tenant ?? ring ?? tag) !== undefined) {
      throw new UsageError('--all means every tenant: leave it out, or leave out --tenant, --ring and --tag.');
    }
    return { tenants: tenant, rings: ring, tags: tag, allowEmpty: this.values.allowEmpty };
  }

  /** The same for commands that write, which need `--all` to select all tenants. */
  explicitSelection(): TenantSelection {
    if (!this.selects) {
      throw new UsageError('Which tenants? Give --all, --tenant ID, --ring NAME or --tag NAME.');
    }
    return this.selection();
  }

  /** Closes the connections. It does not wait long: a pool may not end while one of its connections is being opened. */
  async close(): Promise<void> {
    const orm = await this.#orm?.catch(() => undefined);
    await Promise.race([orm?.close(true), sleep(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
  }

  private async readConfig(): Promise<LoadedConfig> {
    const file = findConfig(this.folder, this.values.config);
    if (this.output.verbose) {
      this.output.note(file === undefined ? 'There is no configuration file.' : `The configuration is ${file}.`);
    }
    if (file !== undefined) {
      process.chdir(dirname(file)); // relative paths in the file start there, wherever the command was called
    }
    const { loadConfig } = await import('./config/load-config.js'); // not for --help: it loads MikroORM
    const config = file === undefined ? {} : await loadConfig(file);
    const { database, concurrency, onError, maxFailures, waitForOthersMs, betweenRings, ...migrator } = config;
    return { file, database, run: { concurrency, onError, maxFailures, waitForOthersMs, betweenRings }, migrator };
  }

  private async openDatabase(): Promise<MikroORM> {
    const { database, file, run } = await this.config();
    const { openDatabase, describeDatabase } = await import('./database.js');
    const orm = await openDatabase(
      { url: this.databaseUrl(), configured: database, file },
      this.values.concurrency ?? run.concurrency,
    );
    this.output.note(`Database: ${describeDatabase(orm)}`);
    return orm;
  }

  private databaseUrl(): { text: string; from: string } | undefined {
    const given = this.values.databaseUrl;
    const { DATABASE_URL } = this.env;
    if (given !== undefined) {
      return { text: given, from: '--database-url (or PRISMIQ_DATABASE_URL)' };
    }
    return DATABASE_URL ? { text: DATABASE_URL, from: 'DATABASE_URL' } : undefined;
  }
}
