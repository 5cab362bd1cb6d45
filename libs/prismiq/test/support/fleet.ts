import type { Constructor } from '@mikro-orm/core';
import { Migration } from '@mikro-orm/migrations';
import {
  hostMigrations,
  prismiqMigrations,
  TenantMigrator,
  tenantsFromList,
  type MigrationEvent,
  type MigrationSource,
  type NamedMigration,
  type TenantEntry,
  type TenantMigratorOptions,
  type TenantResult,
} from '@prismiq/nestjs';
import type { TestDatabase } from '../../../../test/support/test-database.js';

/** A migration of a host's. */
export const migration = (
  name: string,
  up: (migration: Migration) => void | Promise<void>,
  {
    down,
    transactional = true,
  }: { down?: (migration: Migration) => void | Promise<void>; transactional?: boolean } = {},
): NamedMigration => ({
  name,
  class: class extends Migration {
    override up() {
      return up(this);
    }

    override down() {
      return down?.(this);
    }

    override isTransactional() {
      return transactional;
    }
  } as Constructor<Migration>,
});

/** A migration of statements alone. */
export const statements = (name: string, up: string[], down: string[] = []): NamedMigration =>
  migration(name, (self) => up.forEach((sql) => self.addSql(sql)), {
    down: (self) => down.forEach((sql) => self.addSql(sql)),
  });

export const ORDERS = statements(
  '0001_orders',
  ['CREATE TABLE orders (id integer PRIMARY KEY, total integer)', 'CREATE INDEX orders_total ON orders (total)'],
  ['DROP TABLE orders'],
);

export const CURRENCY = statements(
  '0002_currency',
  [`ALTER TABLE orders ADD COLUMN currency varchar(3) NOT NULL DEFAULT 'EUR'`],
  ['ALTER TABLE orders DROP COLUMN currency'],
);

/** A migration that builds an index concurrently. */
export const indexMigration = (name: string, columns = 'total'): NamedMigration => {
  const getSchema = (self: Migration): string =>
    (self as unknown as { config: { get(key: string): string } }).config.get('schema');
  return migration(
    name,
    (self) =>
      self.addSql(`CREATE INDEX CONCURRENTLY IF NOT EXISTS "i_${name}" ON "${getSchema(self)}".orders (${columns})`),
    {
      down: (self) => self.addSql(`DROP INDEX CONCURRENTLY IF EXISTS "${getSchema(self)}"."i_${name}"`),
      transactional: false,
    },
  );
};

/** Prismiq's migrations up to a version. */
export const prismiqUpTo = (count: number): MigrationSource => {
  const source = prismiqMigrations();
  return { ...source, load: async () => (await source.load()).slice(0, count) };
};

export const withHost = (...migrations: NamedMigration[]): MigrationSource[] => [
  prismiqMigrations(),
  hostMigrations({ migrationsList: migrations }),
];

/** Tenants of one test, whose schemas begin alike. */
export class Fleet {
  readonly entries: TenantEntry[];

  constructor(
    private readonly database: TestDatabase,
    private readonly prefix: string,
    tenants: number | TenantEntry[],
  ) {
    this.entries =
      typeof tenants === 'number'
        ? Array.from({ length: tenants }, (_, index) => ({ tenantId: String(index).padStart(3, '0') }))
        : tenants;
  }

  readonly schemaFor = (tenantId: string): string => `${this.prefix}_${tenantId}`;

  get schemas(): string[] {
    return this.entries.map(({ tenantId }) => this.schemaFor(tenantId));
  }

  migrator(options: Partial<TenantMigratorOptions> = {}): TenantMigrator {
    return new TenantMigrator({
      database: this.database.pool,
      directory: tenantsFromList(this.entries),
      schemaFor: this.schemaFor,
      ...options,
    });
  }
}

/** Collects the events of a run. */
export class Log {
  readonly events: MigrationEvent[] = [];
  readonly onEvent = (event: MigrationEvent): void => void this.events.push(event);

  of<Type extends MigrationEvent['type']>(type: Type): Extract<MigrationEvent, { type: Type }>[] {
    return this.events.filter((event): event is Extract<MigrationEvent, { type: Type }> => event.type === type);
  }

  get results(): TenantResult[] {
    return this.of('tenant-finished').map(({ result }) => result);
  }

  result(tenantId: string): TenantResult {
    return this.results.find((result) => result.tenantId === tenantId)!;
  }
}
