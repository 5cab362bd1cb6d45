/**
 * The whole public API. Migrations for MikroORM's migrator are in `@prismiq/nestjs/migrations` as well.
 *
 * @packageDocumentation
 */

// The module and its options
export { PrismiqModule } from './prismiq.module.js';
export {
  CurrentTenant,
  getPrismiqToken,
  getTenantGuard,
  getTenantInterceptor,
  InjectPrismiq,
  InjectTenantSchema,
} from './prismiq.decorators.js';
export type {
  PrismiqAsyncValues,
  PrismiqConnectionOptions,
  PrismiqControllerName,
  PrismiqControllersOptions,
  PrismiqDirectoryCacheOptions,
  PrismiqLimits,
  PrismiqMigratorOptions,
  PrismiqModuleAsyncOptions,
  PrismiqModuleOptions,
  PrismiqOptions,
  PrismiqOptionsFactory,
  PrismiqStructure,
} from './options/prismiq-options.js';

// Which tenants there are
export type { SchemaFor } from './directory/schema-for.js';
export {
  TenantDirectory,
  type DirectorySource,
  type InvalidTenant,
  type ListedTenant,
  type TenantDirectoryFactory,
  type TenantEntry,
  type TenantRecord,
  type TenantState,
} from './directory/tenant-directory.js';
export { TenantRegistry } from './directory/tenant-registry.js';
export { tenantsFromCatalog, type CatalogDirectoryOptions } from './directory/tenants-from-catalog.js';
export { tenantsFromList } from './directory/tenants-from-list.js';
export { tenantsFromQuery } from './directory/tenants-from-query.js';

// Whose request it is
export { allAgree, firstOf } from './resolvers/combine.js';
export { fromHeader } from './resolvers/from-header.js';
export { fromParam } from './resolvers/from-param.js';
export { fromSubdomain, type SubdomainOptions } from './resolvers/from-subdomain.js';
export { fromUser, type UserClaims } from './resolvers/from-user.js';

// Tenancy
export type { ForEachTenantOptions } from './tenancy/for-each-tenant.js';
export { TenantContext } from './tenancy/tenant-context.js';
export { TenantLogger } from './tenancy/tenant-logger.js';
export { TenantGuard } from './tenancy/tenant.guard.js';
export { TenantInterceptor } from './tenancy/tenant.interceptor.js';
export { TenantResolver, type ResolvedTenant, type ResolveTenant } from './tenancy/tenant-resolver.js';
export { TenantSchema } from './tenancy/tenant-schema.js';
export type { Tenant, TenantIdentity } from './tenancy/tenant.js';

// Repositories, and the records that they return
export { DashboardRepository } from './repositories/dashboards/dashboard.repository.js';
export { SavedQueryRepository } from './repositories/saved-queries/saved-query.repository.js';
export { WidgetRepository } from './repositories/widgets/widget.repository.js';
export type { ImportOptions, ImportResult } from './repositories/dashboards/import-dashboard.js';
export type { ListOptions } from './repositories/lists/list-options.js';
export type { Page } from './repositories/lists/read-list.js';
export type { WriteOptions } from './repositories/lock-record.js';
export type { Dashboard, DashboardSummary, SavedQuery, Widget, VersionedWidget } from './repositories/records.js';

// Queries over the tenants' own tables
export { rowCondition, type QueryViewer, type RowFilter, type RowRule } from './query/options/row-filter.js';
export type { ColumnFormat } from './query/options/column-format.js';
export type { QueryCacheStore } from './query/options/query-cache-store.js';
export type {
  PrismiqColumnOptions,
  PrismiqQueryOptions,
  PrismiqSchemaCacheOptions,
  PrismiqTableOptions,
} from './query/options/query-options.js';
export type {
  PrismiqQueryCacheOptions,
  PrismiqQueryDatabase,
  PrismiqQueryLimits,
  PrismiqSqlModeOptions,
} from './query/options/run-options.js';
export type { Clock } from './query/dates/calendar.js';
export type { FilterValue } from './query/dashboard-filters/merge-filters.js';
export type { QueryValue } from './query/run/value-types.js';
export { QueryFeed, type QueryEvent, type QueryListener } from './query/service/query-feed.js';
export type { QueryResult } from './query/service/query-result.js';
export type { QueryColumn, QueryRelationship, QuerySchema, QueryTable } from './query/service/query-schema.js';
export { QueryService } from './query/service/query.service.js';
export type {
  CompiledStatement,
  RunQueryOptions,
  RunSqlOptions,
  RunWidgetOptions,
  SqlValidation,
  TimeSeriesOptions,
} from './query/service/query-service.types.js';

// Changes, published once they are committed
export type { ChangeEvent, ChangeListener } from './changes/change-event.js';
export { ChangeFeed } from './changes/change-feed.js';

// Documents: what the repositories take
export type {
  CreateDashboard,
  DashboardFilter,
  DashboardLayout,
  DashboardLayoutInput,
  UpdateDashboard,
} from './documents/dashboard.documents.js';
export type { DashboardExport, DashboardExportInput } from './documents/export.documents.js';
export type { QueryColumnReference, QueryDefinition, QueryOperator } from './documents/query.documents.js';
export type { CreateSavedQuery, UpdateSavedQuery } from './documents/saved-query.documents.js';
export type {
  CreateWidget,
  UpdateWidget,
  WidgetConfig,
  WidgetHyperlink,
  DashboardWidgetInput,
  WidgetPlacement,
  WidgetPosition,
  WidgetType,
} from './documents/widget.documents.js';

// Tables: created by ensureTables, by SQL, or by migrations
export {
  ensureTables,
  verifyTables,
  type EnsureTablesOptions,
  type EnsureTablesResult,
} from './schema/ensure-tables.js';
export { PRISMIQ_HISTORY_TABLE } from './schema/history.js';
export { prismiqSchemaSql } from './schema/prismiq-schema-sql.js';
export { PRISMIQ_MIGRATIONS, type PrismiqMigration } from './migrations/prismiq-migrations.js';
export { WildcardSchemaMigrator } from './migrations/wildcard-schema-migrator.js';
export { hostMigrations, prismiqMigrations } from './migrations/migration-source.js';
export type { HostMigrationsOptions, MigrationSource, NamedMigration } from './migrations/migration-source.js';
export type { DownTarget, MigrationTarget, TenantVersion, UpTarget } from './migrations/migration-target.js';
export type {
  FleetStatus,
  MigrationPlan,
  PlanGroup,
  PlannedMigration,
  PlannedStatement,
  TenantFinding,
  VerifyReport,
  VersionGroup,
} from './migrator/fleet-report.js';
export type {
  DownOptions,
  PlanOptions,
  RunOptions,
  TenantMigratorOptions,
  TenantSelection,
  UpOptions,
} from './migrator/migrator-options.js';
export type {
  MigrationEvent,
  MigrationReport,
  ResultCounts,
  RingReport,
  StopReason,
  TenantRef,
  TenantResult,
  TenantResultState,
  WaitingReason,
} from './migrator/run-report.js';
export { TenantMigrator } from './migrator/tenant-migrator.js';
export type { PgClient, PgPool, PgPoolClient } from './sql/pg-executor.js';
export type { SqlTarget } from './sql/sql-target.js';

// The configuration of the `prismiq` command
export { definePrismiqConfig, type CliDatabase, type PrismiqCliConfig } from './cli/config/cli-config.js';

// Entities, for a host that wants managed ones, or generates its migrations
export { PrismiqDashboard } from './entities/dashboard.entity.js';
export { PRISMIQ_ENTITIES } from './entities/prismiq-entities.js';
export { PrismiqSavedQuery } from './entities/saved-query.entity.js';
export { PrismiqWidget } from './entities/widget.entity.js';

// REST controllers, for hosts that subclass them
export { PrismiqDashboardsController } from './http/dashboards.controller.js';
export { dropContentTypeOfEmptyBody } from './http/drop-content-type-of-empty-body.js';
export { PrismiqController } from './http/prismiq-controller.decorator.js';
export { PrismiqErrorFilter } from './http/prismiq-error.filter.js';
export { PrismiqExceptionFilter } from './http/prismiq-exception.filter.js';
export { PrismiqLlmController } from './http/queries/llm.controller.js';
export { PrismiqQueriesController } from './http/queries/queries.controller.js';
export { PrismiqSchemaController } from './http/queries/schema.controller.js';
export { PrismiqSavedQueriesController } from './http/saved-queries.controller.js';
export { PrismiqWidgetsController } from './http/widgets.controller.js';

// Errors
export { InvalidOptionsError, SqlGrammarMissingError } from './errors/configuration.errors.js';
export {
  ConnectionFailedError,
  DatabaseError,
  PermissionDeniedError,
  ReadOnlyDatabaseError,
  StatementTimeoutError,
  UnsupportedServerError,
} from './errors/database.errors.js';
export {
  DataLossError,
  MigrationFailedError,
  MigrationRefusedError,
  MigrationTargetError,
  NoTenantsError,
  TenantLockedError,
  TenantSelectionError,
} from './errors/migration.errors.js';
export { PrismiqError, type PrismiqErrorContext } from './errors/prismiq.error.js';
export { InvalidQueryError, type QueryIssue, type QueryIssueCode } from './errors/query.errors.js';
export {
  ColumnNotFoundError,
  ConnectionsBusyError,
  QueriesDisabledError,
  QueryDataError,
  QueryFailedError,
  QueryResultTooLargeError,
  QueryTimeoutError,
  SqlModeForbiddenError,
  TableNotFoundError,
  WidgetHasNoQueryError,
} from './errors/query-run.errors.js';
export {
  DocumentTooLargeError,
  InvalidDocumentError,
  NameTakenError,
  PreconditionFailedError,
  RecordBusyError,
  RecordForbiddenError,
  RecordNotFoundError,
  ResultTooLargeError,
  StaleVersionError,
  type DocumentIssue,
  type RecordKind,
} from './errors/record.errors.js';
export {
  InvalidSchemaNameError,
  SchemaMismatchError,
  SchemaNotFoundError,
  type SchemaDifference,
} from './errors/schema.errors.js';
export {
  InvalidTenantIdError,
  InvalidUserIdError,
  TenantBusyError,
  TenantDirectoryError,
  TenantListError,
  TenantMismatchError,
  TenantNotFoundError,
  TenantNotProvisionedError,
  TenantOutdatedError,
  TenantRequiredError,
  TenantSuspendedError,
  TenantTaskError,
  type ForEachTenantResult,
} from './errors/tenancy.errors.js';
