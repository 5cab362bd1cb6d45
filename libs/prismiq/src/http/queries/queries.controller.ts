import { HttpCode, Inject, Post, Query } from '@nestjs/common';
import { parseDocument } from '../../documents/parse-document.js';
import { QueryService } from '../../query/service/query.service.js';
import { CacheControl, NO_STORE } from '../cache-control.js';
import { JsonBody } from '../json-body.js';
import { asObject } from '../wire.js';
import { Client, type WaitingClient } from './client.js';
import { assertQueries } from './assert-queries.js';
import {
  executeSqlBody,
  locating,
  readExecuteBody,
  readPreviewBody,
  readTimeSeriesBody,
  validateSqlBody,
} from './query-bodies.js';
import { toWireIssue, toWireResult } from './query-wire.js';

/** Prismiq's query routes (query contract 1.4 and 1.5). Mounted by {@link PrismiqModule}; see {@link PrismiqController}. @publicApi */
@CacheControl(NO_STORE)
export abstract class PrismiqQueriesController {
  /** @internal */
  static readonly repository = QueryService;
  constructor(@Inject(QueryService) protected readonly queries: QueryService) {}

  @Post('execute')
  @HttpCode(200)
  async execute(@JsonBody() body: unknown, @Client() client?: WaitingClient) {
    const { query, bypassCache, path } = readExecuteBody(body);
    return locating({ query, path }, async () =>
      toWireResult(await assertQueries(this.queries).run(query, { bypassCache, signal: client?.signal })),
    );
  }

  @Post('preview')
  @HttpCode(200)
  async preview(@JsonBody() body: unknown, @Query() parameters?: unknown, @Client() client?: WaitingClient) {
    const { query, limit, path } = readPreviewBody(body, parameters);
    return locating({ query, path }, async () =>
      toWireResult(await assertQueries(this.queries).run(query, { limit, cache: false, signal: client?.signal })),
    );
  }

  @Post('sql')
  @HttpCode(200)
  async sql(@JsonBody() body: unknown) {
    const { query, path } = readExecuteBody(body);
    return locating({ query, path }, async () => {
      const { sql } = await assertQueries(this.queries).compile(query);
      return { sql };
    });
  }

  @Post('validate')
  @HttpCode(200)
  async validate(@JsonBody() body: unknown) {
    const { query, path } = readExecuteBody(body);
    return locating({ query, path }, async () => {
      const issues = await assertQueries(this.queries).validate(query);
      return { valid: issues.length === 0, errors: issues.map(({ message }) => message) };
    });
  }

  @Post('validate/detailed')
  @HttpCode(200)
  async validateDetailed(@JsonBody() body: unknown) {
    const { query, path } = readExecuteBody(body);
    return locating({ query, path }, async () => {
      const issues = await assertQueries(this.queries).validate(query);
      return { result: { valid: issues.length === 0, errors: issues.map(toWireIssue) } };
    });
  }

  @Post('execute/timeseries')
  @HttpCode(200)
  async executeTimeSeries(@JsonBody() body: unknown, @Client() client?: WaitingClient) {
    const { query, path, interval, dateColumn, fillMissing } = readTimeSeriesBody(body);
    return locating({ query, path }, async () =>
      toWireResult(
        await assertQueries(this.queries).runTimeSeries(
          query,
          { interval, dateColumn, fillMissing },
          { signal: client?.signal },
        ),
      ),
    );
  }

  @Post('validate-sql')
  @HttpCode(200)
  async validateSql(@JsonBody() body: unknown) {
    const { sql } = parseDocument(validateSqlBody, asObject(body));
    return assertQueries(this.queries).validateSql(sql);
  }

  @Post('execute-sql')
  @HttpCode(200)
  async executeSql(@JsonBody() body: unknown, @Client() client?: WaitingClient) {
    const { sql, params, dashboard_filters, filter_values } = parseDocument(executeSqlBody, asObject(body));
    const options = {
      params: params ?? {},
      filters: dashboard_filters ?? [],
      filterValues: filter_values ?? [],
      signal: client?.signal,
    };
    return toWireResult(await assertQueries(this.queries).runSql(sql, options));
  }
}
