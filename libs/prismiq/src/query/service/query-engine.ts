import { Logger } from '@nestjs/common';
import { QueryFailedError } from '../../errors/query-run.errors.js';
import { InvalidQueryError } from '../../errors/query.errors.js';
import { PrismiqError } from '../../errors/prismiq.error.js';
import { errorContext, type Tenant } from '../../tenancy/tenant.js';
import { cacheKey } from '../cache/cache-key.js';
import type { QueryCache } from '../cache/query-cache.js';
import type { QueryConfig } from '../options/resolve-query-options.js';
import type { QueryRunner, RunResult } from '../run/query-runner.js';
import type { VisibleSchemas } from '../visible-schema/visible-schemas.js';
import type { PreparedStatement } from './prepared-statement.js';
import type { QueryEvent, QueryFeed } from './query-feed.js';
import { toQueryResult, type QueryResult } from './query-result.js';
import { openCalendar, toViewer, type QueryScope } from './query-scope.js';

export interface ExecuteOptions {
  readonly kind: QueryEvent['kind'];
  readonly widgetId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** `bypass`: run in any case, and store the result; `none`: the cache is not used. */
  readonly cache: 'use' | 'bypass' | 'none';
  /** Takes precedence over that of the tenant. */
  readonly fiscalYearStartMonth?: number | undefined;
}

/** What a statement may be, which is made anew if the tenant's tables have changed. */
export type Prepare = (scope: QueryScope) => PreparedStatement | Promise<PreparedStatement>;

/**
 * Names or types that do not fit the tables any more: undefined table, column, schema, type, function or operator; datatype mismatch,
 * and cannot coerce.
 */
const STALE = new Set(['42P01', '42703', '3F000', '42704', '42883', '42804', '42846']);

/** Runs statements for a viewer: on what they may see, from the cache where possible, and tells of each. */
export class QueryEngine {
  readonly #logger = new Logger('Prismiq');

  constructor(
    readonly config: QueryConfig,
    private readonly schemas: VisibleSchemas,
    private readonly runner: QueryRunner,
    private readonly cache: QueryCache<RunResult> | undefined,
    private readonly feed: QueryFeed,
    /** Closes what was opened for queries. */
    readonly close: () => Promise<void>,
  ) {}

  async openScope(tenant: Tenant, fiscalYearStartMonth?: number): Promise<QueryScope> {
    const viewer = toViewer(tenant);
    const role = this.config.resolveRole(viewer);
    const schema = await this.schemas.find(tenant.schema, role);
    return { tenant, viewer, role, schema, calendar: openCalendar(this.config, tenant, fiscalYearStartMonth) };
  }

  async execute(tenant: Tenant, prepare: Prepare, options: ExecuteOptions): Promise<QueryResult> {
    const started = performance.now();
    const { kind, widgetId, signal } = options;
    const publish = (event: Pick<QueryEvent, 'outcome' | 'error' | 'rows' | 'isFromCache'>): void => {
      const { tenantId, schema, userId } = tenant;
      this.feed.publish({
        tenantId,
        schema,
        userId,
        kind,
        widgetId,
        ...event,
        durationMs: performance.now() - started,
      });
    };
    try {
      const result = await this.runFresh(tenant, prepare, options);
      for (const warning of result.warnings) {
        this.#logger.debug(`A query of tenant ${JSON.stringify(tenant.tenantId)}: ${warning}`);
      }
      publish({ outcome: 'succeeded', error: undefined, rows: result.rowCount, isFromCache: result.isFromCache });
      return result;
    } catch (error) {
      const outcome = signal?.aborted === true ? 'canceled' : 'failed';
      publish({ outcome, error, rows: undefined, isFromCache: false });
      throw error;
    }
  }

  /** Forgets what the tables of all tenants look like. */
  forgetTables(): void {
    this.schemas.invalidate();
  }

  /** Forgets the results of a tenant, and what its tables look like. */
  async invalidate({ tenantId, schema }: Pick<Tenant, 'tenantId' | 'schema'>): Promise<void> {
    this.schemas.invalidate(schema);
    await this.cache?.invalidate(tenantId);
  }

  /** What is known of the tables may be out of date. Then the query is made anew, once. */
  private async runFresh(tenant: Tenant, prepare: Prepare, options: ExecuteOptions): Promise<QueryResult> {
    const scope = await this.openScope(tenant, options.fiscalYearStartMonth);
    try {
      return await this.runIn(scope, prepare, options);
    } catch (error) {
      if (!isStale(error)) {
        throw error;
      }
      const schema = await this.schemas.refresh(scope.schema, scope.role);
      if (schema.version === scope.schema.version) {
        throw asFailure(error);
      }
      const fresh = { ...scope, schema };
      return this.runIn(fresh, prepare, options).catch((again: unknown) => {
        throw isStale(again) ? changedTables(fresh) : again;
      });
    }
  }

  private async runIn(scope: QueryScope, prepare: Prepare, options: ExecuteOptions): Promise<QueryResult> {
    const statement = await prepare(scope);
    const { maximumRows, timeZone, timeoutMs } = statement;
    const run = (signal: AbortSignal | undefined): Promise<RunResult> =>
      this.runner
        .run(scope.tenant, statement, { maximumRows, timeZone, timeoutMs, signal })
        .catch((error: unknown) => Promise.reject(describedBy(statement, error)));
    if (this.cache === undefined || options.cache === 'none') {
      return toQueryResult(statement, { value: await run(options.signal), cachedAt: null, isFromCache: false });
    }
    const cached = await this.cache.read({
      tenant: scope.tenant,
      key: cacheKey({
        tenant: scope.tenant,
        schemaVersion: scope.schema.version,
        sql: statement.sql,
        parameters: statement.parameters,
        maximumRows,
        timeZone,
      }),
      bypass: options.cache === 'bypass',
      signal: options.signal,
      run,
      bytes: ({ bytes }) => bytes,
    });
    return toQueryResult(statement, cached);
  }
}

/** An error of the server, as the author of the statement is told of it. */
function describedBy({ describeError }: PreparedStatement, error: unknown): unknown {
  if (describeError === undefined || !(error instanceof PrismiqError) || error.sqlState === undefined) {
    return error;
  }
  const { tenantId, schema, sqlState, cause } = error;
  const { position } = cause as { position?: string };
  const message = describeError({ sqlState, position: position === undefined ? undefined : Number(position) });
  return message === undefined
    ? error
    : new InvalidQueryError([{ code: 'INVALID_SQL', message }], { tenantId, schema, cause });
}

const isStale = (error: unknown): error is PrismiqError =>
  error instanceof PrismiqError && !(error instanceof InvalidQueryError) && STALE.has(error.sqlState ?? '');

/** The tables are as they were: it is the statement, such as a row filter of the host, that is wrong. */
const asFailure = (error: PrismiqError): QueryFailedError =>
  error instanceof QueryFailedError
    ? error
    : new QueryFailedError((error.cause as Error).message, {
        tenantId: error.tenantId,
        schema: error.schema,
        sqlState: error.sqlState,
        cause: error.cause,
      });

const changedTables = ({ tenant }: QueryScope): InvalidQueryError =>
  new InvalidQueryError(
    [{ code: 'TABLE_NOT_FOUND', message: 'The tables of the query have just changed. Try again' }],
    errorContext(tenant),
  );
