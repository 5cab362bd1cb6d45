import type {
  CanActivate,
  ControllerOptions,
  InjectionToken,
  ModuleMetadata,
  NestInterceptor,
  OptionalFactoryDependency,
  Type,
} from '@nestjs/common';
import type { SchemaFor } from '../directory/schema-for.js';
import type { TenantDirectory, TenantDirectoryFactory } from '../directory/tenant-directory.js';
import type { TenantMigratorOptions } from '../migrator/migrator-options.js';
import type { PrismiqQueryOptions } from '../query/options/query-options.js';
import type { ResolveTenant, TenantResolver } from '../tenancy/tenant-resolver.js';

/**
 * Options that are values, so that they may come from other providers.
 *
 * @publicApi
 */
export interface PrismiqOptions {
  /**
   * Says to which tenant a request belongs. Required to serve requests; a host that only runs jobs and scripts uses
   * {@link TenantContext.runInTenant} instead.
   * @default none: no request has a tenant, and tenant-bound access fails
   */
  resolver?: TenantResolver | ResolveTenant | undefined;

  /**
   * Derives the schema of a tenant from its id. The name must consist of letters, digits and underscores, at most 63 bytes.
   * One schema for all is possible: every statement filters by `tenant_id` as well.
   * @default (tenantId) => `tenant_${tenantId}`
   */
  schemaFor?: SchemaFor | undefined;

  /**
   * Knows which tenants exist: `tenantsFromCatalog()`, `tenantsFromList([…])`, `tenantsFromQuery('SELECT …')`, or your own
   * {@link TenantDirectory}. A tenant that is not in it is refused before anything is sent to its schema.
   * @default tenantsFromCatalog(): a tenant exists when its schema holds Prismiq tables
   */
  directory?: TenantDirectory | TenantDirectoryFactory | undefined;

  /** How long answers of the directory are cached. */
  directoryCache?: PrismiqDirectoryCacheOptions | undefined;

  /**
   * Whether the EntityManager and the repositories that you inject work in the tenant's schema, inside a tenant's context: for
   * tables of your own in the tenants' schemas. Entities of a schema that they name (`schema: 'public'`) stay there.
   * @default false: your EntityManager is left alone
   */
  bindEntityManager?: boolean | undefined;

  /** How much may be stored, and how much one call may read. */
  limits?: PrismiqLimits | undefined;

  /** How much of the connection pool one tenant may use, and for how long its calls wait. */
  connections?: PrismiqConnectionOptions | undefined;

  /** How {@link TenantMigrator} works, and which migrations of your own it runs in addition to Prismiq's. */
  migrator?: PrismiqMigratorOptions | undefined;

  /**
   * Which tables of the tenants may be queried, by whom and how. The routes of `controllers` include those for queries then.
   * @default undefined: nothing can be queried
   */
  query?: PrismiqQueryOptions | undefined;
}

/** @publicApi */
export type PrismiqMigratorOptions = Omit<TenantMigratorOptions, 'database' | 'directory' | 'schemaFor'>;

/** @publicApi */
export interface PrismiqDirectoryCacheOptions {
  /**
   * Milliseconds for which a tenant that was found is not looked up again: how long, at most, one that was suspended or dropped
   * is still served, if nobody calls `TenantRegistry.invalidate`.
   * @default 30000
   */
  ttlMs?: number | undefined;
  /**
   * Milliseconds for which a tenant that was not found is not looked up again.
   * @default 5000
   */
  negativeTtlMs?: number | undefined;
  /**
   * How many tenants are cached.
   * @default 10000
   */
  maxEntries?: number | undefined;
  /**
   * Milliseconds after which a look-up has failed.
   * @default 5000
   */
  timeoutMs?: number | undefined;
}

/** @publicApi */
export interface PrismiqLimits {
  /**
   * Widgets on one dashboard, 1 to 1000.
   * @default 200
   */
  widgetsPerDashboard?: number | undefined;
  /**
   * Bytes of JSON in one document: a description, a widget's query or config, a saved query, a dashboard's filters.
   * @default 262144 (256 KiB)
   */
  documentBytes?: number | undefined;
  /**
   * Bytes of JSON of a whole dashboard with its widgets. A write that would make it larger is refused.
   * @default 4194304 (4 MiB)
   */
  dashboardBytes?: number | undefined;
  /**
   * Bytes of JSON that one call reads, at least `dashboardBytes`. They are measured in the database: a page ends early and has a
   * `nextCursor`; a complete list, or a single record that another program has stored, is refused.
   * @default 16777216 (16 MiB)
   */
  readBytes?: number | undefined;
}

/**
 * Bounds that keep one tenant from taking all connections. They apply to calls of the repositories outside of the host's own
 * transactions.
 *
 * @publicApi
 */
export interface PrismiqConnectionOptions {
  /**
   * How many connections one tenant may use at a time. Further calls wait for their turn.
   * @default half of the pool, at least 1
   */
  perTenant?: number | undefined;
  /**
   * Milliseconds after which a call gives up waiting for its turn: with `TenantBusyError` for a connection of the tenant's share,
   * with `RecordBusyError` for other writes to the same record.
   * @default 5000
   */
  waitTimeoutMs?: number | undefined;
  /**
   * `lock_timeout` of transactions that write, in milliseconds: how long they wait for a lock that another transaction holds,
   * before they fail with `RecordBusyError`.
   * @default 3000
   */
  lockTimeoutMs?: number | undefined;
  /**
   * `statement_timeout` of transactions that write, in milliseconds.
   * @default 10000
   */
  statementTimeoutMs?: number | undefined;
}

/**
 * How Prismiq's REST controllers are mounted.
 *
 * @publicApi
 */
export interface PrismiqControllersOptions {
  /**
   * The path of the routes, after the host's global prefix; slashes around it do not matter.
   * @default 'prismiq'
   */
  path?: string | undefined;

  /**
   * Guards for these controllers only, as for `@UseGuards()`. They run before the tenant is resolved; their dependencies come
   * from `imports` or from global modules.
   * @default []
   */
  guards?: (Type<CanActivate> | CanActivate)[] | undefined;

  /**
   * The version of the routes, as for `@Controller({ version })`, where the host has enabled versioning.
   * @default undefined: the host's default version
   */
  version?: ControllerOptions['version'] | undefined;

  /**
   * Interceptors for these controllers only, as for `@UseInterceptors()`. They run inside the tenant's context.
   * @default []
   */
  interceptors?: (Type<NestInterceptor> | NestInterceptor)[] | undefined;

  /**
   * Decorators to put on each of the controllers, such as `UseFilters(…)`, which replaces the error format, `ApiBearerAuth()`,
   * `Throttle(…)` or metadata that a global guard looks for.
   * @default []
   */
  decorators?: ClassDecorator[] | undefined;

  /**
   * The controllers to mount, for a host that replaces one by its own.
   * @default all; `schema`, `queries` and `llm` only with the option `query`
   */
  include?: PrismiqControllerName[] | undefined;
}

/** The controllers that can be mounted. @publicApi */
export type PrismiqControllerName = 'dashboards' | 'widgets' | 'saved-queries' | 'schema' | 'queries' | 'llm';

/**
 * Options that shape the module: Nest needs them while it builds the application, before any provider exists.
 *
 * @publicApi
 */
export interface PrismiqStructure {
  /**
   * Whether all modules see the providers. Otherwise import the dynamic module that `forRoot` has returned (keep it in a
   * constant), or a module that exports it again; `imports: [PrismiqModule]` is not enough.
   * @default false
   */
  isGlobal?: boolean | undefined;

  /**
   * The name of the MikroORM instance to use, as in `MikroOrmModule.forRoot({ contextName })`. With a name, the providers are
   * injected by {@link InjectPrismiq}.
   * @default undefined: the unnamed instance
   */
  contextName?: string | undefined;

  /**
   * Whether, and how, to mount the REST controllers; `true` uses all defaults.
   * @default false
   */
  controllers?: boolean | PrismiqControllersOptions | undefined;

  /**
   * Modules whose exports the guards (and, in forRootAsync, the factory) need.
   * @default []
   */
  imports?: ModuleMetadata['imports'] | undefined;
}

/** @publicApi */
export type PrismiqModuleOptions = PrismiqOptions & PrismiqStructure;

/** What a factory returns. Options that shape the module go next to the factory, in forRootAsync itself. */
export type PrismiqAsyncValues = PrismiqOptions & { [Option in keyof PrismiqStructure]?: undefined };

/** @publicApi */
export interface PrismiqOptionsFactory {
  createPrismiqOptions(): PrismiqAsyncValues | Promise<PrismiqAsyncValues>;
}

/** Exactly one of the three. */
type AsyncSource =
  | {
      useFactory: (...dependencies: any[]) => PrismiqAsyncValues | Promise<PrismiqAsyncValues>;
      inject?: (InjectionToken | OptionalFactoryDependency)[];
      useClass?: never;
      useExisting?: never;
    }
  | { useClass: Type<PrismiqOptionsFactory>; useFactory?: never; inject?: never; useExisting?: never }
  | { useExisting: InjectionToken<PrismiqOptionsFactory>; useFactory?: never; inject?: never; useClass?: never };

/** @publicApi */
export type PrismiqModuleAsyncOptions = PrismiqStructure & AsyncSource;
