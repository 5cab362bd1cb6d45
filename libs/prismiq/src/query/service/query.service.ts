import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { QueryDefinition } from '../../documents/query.documents.js';
import { QueriesDisabledError, SqlModeForbiddenError, WidgetHasNoQueryError } from '../../errors/query-run.errors.js';
import { InvalidQueryError, type QueryIssue } from '../../errors/query.errors.js';
import { RecordNotFoundError } from '../../errors/record.errors.js';
import { DashboardRepository } from '../../repositories/dashboards/dashboard.repository.js';
import type { Widget } from '../../repositories/records.js';
import { WidgetRepository } from '../../repositories/widgets/widget.repository.js';
import { TenantContext } from '../../tenancy/tenant-context.js';
import { errorContext, type Tenant } from '../../tenancy/tenant.js';
import { mergeFilters } from '../dashboard-filters/merge-filters.js';
import { parseQuery } from '../definition/parse-query.js';
import type { ParsedQuery } from '../definition/parsed-query.js';
import type { QueryConfig } from '../options/resolve-query-options.js';
import type { QueryValue } from '../run/value-types.js';
import { SqlModeQuery } from '../sql-mode/sql-mode-query.js';
import { compileDefinition, toStatement } from './compile-definition.js';
import { QueryEngine } from './query-engine.js';
import type { QueryResult } from './query-result.js';
import { toQuerySchema, type QuerySchema } from './query-schema.js';
import { isMonth, toViewer } from './query-scope.js';
import { sampleStatement } from './sample-statement.js';
import type {
  CompiledStatement,
  RunQueryOptions,
  RunSqlOptions,
  RunWidgetOptions,
  SqlValidation,
  TimeSeriesOptions,
} from './query-service.types.js';
import { sqlStatement } from './sql-statement.js';

/**
 * Runs queries over the tables of the tenant in context that the `query` option exposes, as the acting user may see them. Statements
 * only read, in a transaction and on a connection of their own, also inside your own transaction.
 *
 * Without the option `query`, calls fail with a `QueriesDisabledError`.
 *
 * @publicApi
 */
@Injectable()
export class QueryService implements OnApplicationShutdown {
  constructor(
    @Inject(TenantContext) private readonly tenants: TenantContext,
    @Inject(DashboardRepository) private readonly dashboards: DashboardRepository,
    @Inject(WidgetRepository) private readonly widgets: WidgetRepository,
    @Inject(QueryEngine) private readonly engine: QueryEngine | undefined,
  ) {}

  /** Whether the registration has the option `query`. */
  get isEnabled(): boolean {
    return this.engine !== undefined;
  }

  /**
   * The tables and columns that the acting user may query.
   *
   * @throws TenantRequiredError
   */
  async schema(): Promise<QuerySchema> {
    const { engine, tenant } = this.require();
    const { schema } = await engine.openScope(tenant);
    return toQuerySchema(schema);
  }

  /**
   * Distinct values of a column, in their order, without NULL. Those of json, and of types without an order, are texts.
   *
   * @param options.limit 5 by default
   * @throws TableNotFoundError, ColumnNotFoundError, QueryTimeoutError (after 5 s), and the errors of {@link run}
   */
  async sample(
    table: string,
    column: string,
    { limit = 5, signal }: { limit?: number | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<QueryValue[]> {
    const { engine, tenant } = this.require();
    const { rows } = await engine.execute(
      tenant,
      (scope) => sampleStatement(scope, engine.config.rowFilter, { table, column, limit }),
      { kind: 'sample', signal, cache: 'none' },
    );
    return rows.map(([value]) => value!);
  }

  /**
   * Checks a query against what the acting user may see, and runs nothing. Filters on unknown columns are faults.
   *
   * @returns the faults; none if the query can run
   * @throws InvalidDocumentError if the definition is malformed
   */
  async validate(definition: QueryDefinition): Promise<QueryIssue[]> {
    const { engine, tenant } = this.require();
    const query = parseQuery(definition);
    try {
      await compileDefinition(engine.config, await engine.openScope(tenant), query, 'refuse');
      return [];
    } catch (error) {
      if (error instanceof InvalidQueryError) {
        return [...error.issues];
      }
      throw error;
    }
  }

  /**
   * The statement that a query would run.
   *
   * @throws InvalidDocumentError, InvalidQueryError
   */
  async compile(definition: QueryDefinition): Promise<CompiledStatement> {
    const { engine, tenant } = this.require();
    const query = parseQuery(definition);
    const compiled = await compileDefinition(engine.config, await engine.openScope(tenant), query);
    return {
      sql: compiled.sql,
      parameters: compiled.parameters,
      columns: compiled.columns.map(({ name }) => name),
      warnings: [...compiled.warnings],
    };
  }

  /**
   * Runs a query.
   *
   * @throws InvalidDocumentError if the definition is malformed, InvalidQueryError if it does not fit the tables, QueryDataError,
   *   QueryTimeoutError, QueryResultTooLargeError, TenantBusyError, ConnectionsBusyError, QueryFailedError
   */
  async run(definition: QueryDefinition, options: RunQueryOptions = {}): Promise<QueryResult> {
    const { engine, tenant } = this.require();
    const query = withLimit(parseQuery(definition), options.limit);
    return engine.execute(tenant, async (scope) => toStatement(await compileDefinition(engine.config, scope, query)), {
      kind: 'query',
      signal: options.signal,
      cache: cacheUse(options),
    });
  }

  /**
   * Runs a query as a time series: by the column of its first table that has it.
   *
   * @throws the errors of {@link run}
   */
  async runTimeSeries(
    definition: QueryDefinition,
    { interval, dateColumn, fillMissing = true }: TimeSeriesOptions,
    options: RunQueryOptions = {},
  ): Promise<QueryResult> {
    const { engine, tenant } = this.require();
    const { schema } = await engine.openScope(tenant);
    const { tables } = parseQuery(definition);
    const table = tables.find(({ name }) => schema.tables.get(name)?.columns.has(dateColumn)) ?? tables[0]!;
    const series = { table_id: table.id, date_column: dateColumn, interval, fill_missing: fillMissing };
    return this.run({ ...definition, time_series: series }, options);
  }

  /**
   * Runs the query, or the SQL, of a widget, with the filters of its dashboard.
   *
   * @throws RecordNotFoundError (of the dashboard or the widget), WidgetHasNoQueryError, and the errors of {@link run} or {@link runSql}
   */
  async runWidget(dashboardId: string, widgetId: string, options: RunWidgetOptions = {}): Promise<QueryResult> {
    const { engine, tenant } = this.require();
    const dashboard = await this.dashboards.get(dashboardId);
    const widget = dashboard.widgets.find(({ id }) => id === widgetId.toLowerCase());
    if (widget === undefined) {
      throw new RecordNotFoundError('widget', widgetId, errorContext(tenant));
    }
    const { filterValues = [], signal } = options;
    const filters = dashboard.invalid?.includes('filters') === true ? [] : dashboard.filters;
    const { query, config } = widget;
    const run = { widgetId: widget.id, signal, fiscalYearStartMonth: fiscalMonth(widget) };
    if (typeof config.raw_sql === 'string') {
      assertSqlMode(engine.config, tenant);
      const request = { sql: config.raw_sql, params: {}, filters, filterValues };
      return engine.execute(tenant, (scope) => sqlStatement(engine.config, scope, request), {
        ...run,
        kind: 'sql',
        cache: 'none',
      });
    }
    if (query === null) {
      throw new WidgetHasNoQueryError(widget.id, errorContext(tenant));
    }
    return engine.execute(
      tenant,
      async (scope) => {
        const merged = mergeFilters(query, filters, filterValues, scope.schema, scope.calendar);
        return toStatement(await compileDefinition(engine.config, scope, parseQuery(merged)));
      },
      { ...run, kind: 'query', cache: cacheUse(options) },
    );
  }

  /**
   * Runs a text in SQL, if SQL mode is on. Whoever lacks the right to run texts of their own can run that of a widget on a dashboard that
   * they may see.
   *
   * @throws SqlModeForbiddenError, InvalidQueryError if the text is refused, and the errors of {@link run}
   */
  async runSql(sql: string, options: RunSqlOptions = {}): Promise<QueryResult> {
    const { engine, tenant } = this.require();
    const { params = {}, filters = [], filterValues = [], signal } = options;
    const { mayRun } = assertSqlMode(engine.config, tenant);
    if (!mayRun(toViewer(tenant)) && !(await this.widgets.hasSql(sql))) {
      throw new SqlModeForbiddenError('You may run only the SQL of widgets that you can see.', errorContext(tenant));
    }
    const request = { sql, params, filters, filterValues };
    return engine.execute(tenant, (scope) => sqlStatement(engine.config, scope, request), {
      kind: 'sql',
      signal,
      cache: 'none',
    });
  }

  /** Checks a text in SQL, and runs nothing. Its parameters need no values. */
  async validateSql(sql: string): Promise<SqlValidation> {
    const { engine, tenant } = this.require();
    try {
      const { functions } = assertSqlMode(engine.config, tenant);
      const { schema } = await engine.openScope(tenant);
      const { tables } = new SqlModeQuery({ sql, params: undefined, schema, functions });
      return { valid: true, errors: [], tables: [...tables] };
    } catch (error) {
      if (error instanceof SqlModeForbiddenError) {
        return { valid: false, errors: [error.message], tables: [] };
      }
      if (error instanceof InvalidQueryError) {
        return { valid: false, errors: error.issues.map(({ message }) => message), tables: [] };
      }
      throw error;
    }
  }

  /**
   * Forgets the cached results of a tenant, in all processes that share the cache, and in this process what its tables look like: after
   * an import, or a change of its tables.
   *
   * @param tenant an id; the tenant in context by default
   */
  async invalidate(tenant?: string): Promise<void> {
    const { engine } = this;
    if (engine === undefined) {
      throw new QueriesDisabledError();
    }
    await engine.invalidate(
      tenant === undefined ? this.tenants.require() : { tenantId: tenant, schema: this.tenants.deriveSchema(tenant) },
    );
  }

  /** @internal */
  async onApplicationShutdown(): Promise<void> {
    await this.engine?.close();
  }

  private require(): { engine: QueryEngine; tenant: Tenant } {
    if (this.engine === undefined) {
      throw new QueriesDisabledError();
    }
    return { engine: this.engine, tenant: this.tenants.require() };
  }
}

const cacheUse = ({ cache = true, bypassCache = false }: RunQueryOptions) =>
  !cache ? 'none' : bypassCache ? 'bypass' : 'use';

const withLimit = (query: ParsedQuery, limit: number | undefined): ParsedQuery =>
  limit === undefined ? query : { ...query, limit: Math.min(query.limit ?? limit, limit) };

/** @throws SqlModeForbiddenError */
function assertSqlMode({ sqlMode }: QueryConfig, tenant: Tenant): NonNullable<QueryConfig['sqlMode']> {
  if (sqlMode === undefined || !sqlMode.isEnabled(toViewer(tenant))) {
    throw new SqlModeForbiddenError('SQL mode is disabled', errorContext(tenant));
  }
  return sqlMode;
}

/** Prismiq's client labels the quarters of a widget by it. */
function fiscalMonth({ config }: Widget): number | undefined {
  const month = config['fiscalYearStartMonth'];
  return isMonth(month) ? month : undefined;
}
