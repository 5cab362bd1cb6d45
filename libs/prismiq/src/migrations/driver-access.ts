import type { Configuration } from '@mikro-orm/core';
import type { Migration } from '@mikro-orm/migrations';
import type { MikroORM, Transaction } from '@mikro-orm/postgresql';
import { MigrationRefusedError } from '../errors/migration.errors.js';
import type { SourceMigration } from './migration-set.js';
import { NAMED_SCHEMA } from './prismiq-migrations.js';

/** The tenant for which a migration runs, and how it runs. */
export interface MigrationScope {
  readonly orm: MikroORM | undefined;
  readonly schema: string;
  readonly direction: 'up' | 'down';
  readonly allowDataLoss: boolean;
  /** Whether Prismiq's own statements name the schema. Those of a plan do not, so that many tenants share them. */
  readonly namesSchema: boolean;
}

/** What a migration needs to send statements itself. */
export interface TransactionContext {
  readonly transaction: Transaction;
}

/** A migration wants to send a statement itself, but those before it have not been sent yet. */
export class NeedsTransaction extends Error {}

type Query = ReturnType<Migration['getQueries']>[number];
type Driver = MikroORM['driver'];

/** MikroORM's driver and configuration as a migration sees them: bound to the tenant and to its transaction. */
export class DriverAccess {
  wasNeeded = false;
  readonly driver: Driver;
  readonly config: Configuration;

  constructor(
    private readonly migration: SourceMigration,
    private readonly scope: MigrationScope,
    private readonly context: TransactionContext | undefined,
  ) {
    const { orm, schema } = scope;
    this.driver = withOverrides(
      orm?.driver,
      {
        execute: (query: Query, parameters?: unknown[]) => this.execute(query, parameters),
        createEntityManager: () => this.entityManager(),
      },
      this.missing,
    );
    this.config = withOverrides(
      orm?.config,
      {
        [NAMED_SCHEMA]: scope.namesSchema ? schema : undefined,
        get: (key: string, fallback?: unknown) =>
          key === 'schema' ? schema : this.orm.config.get(key as never, fallback as never),
      },
      this.missing,
    );
  }

  /** A query as text, with its values in it, as MikroORM's own migrator sends it. */
  render(query: Query): string {
    if (typeof query === 'string') {
      return query;
    }
    const { sql, params } = 'toRaw' in query ? query.toRaw() : query;
    return this.orm.driver.getPlatform().formatQuery(sql, params);
  }

  private readonly missing = (): never => {
    throw new MigrationRefusedError(
      this.migration.label,
      'it uses MikroORM, but the migrator was given a pg pool. Give it the MikroORM instance as `database`.',
      { schema: this.scope.schema },
    );
  };

  private get orm(): MikroORM {
    return this.scope.orm ?? this.missing();
  }

  private get transaction(): Transaction {
    this.wasNeeded = true;
    if (this.context === undefined) {
      throw new NeedsTransaction();
    }
    return this.context.transaction;
  }

  private async execute(query: Query, parameters?: unknown[]): Promise<unknown> {
    const { orm, transaction } = this;
    return orm.driver.execute(query as string, parameters, 'all', transaction);
  }

  private entityManager(): ReturnType<Driver['createEntityManager']> {
    const { orm, transaction } = this;
    const em = orm.driver.createEntityManager();
    em.setTransactionContext(transaction);
    return em;
  }
}

/** An object with some of its members replaced; methods see the original, whose private fields a proxy cannot reach. */
function withOverrides<T extends object>(target: T | undefined, overrides: object, missing: () => never): T {
  return new Proxy(target ?? ({} as T), {
    get(object, key) {
      if (key in overrides) {
        return (overrides as Record<PropertyKey, unknown>)[key];
      }
      if (target === undefined) {
        return missing();
      }
      const value: unknown = Reflect.get(object, key, object);
      return typeof value === 'function' ? value.bind(object) : value;
    },
  });
}
