import { Get, Inject, NotFoundException, Param, Query } from '@nestjs/common';
import { parseDocument } from '../../documents/parse-document.js';
import { TableNotFoundError } from '../../errors/query-run.errors.js';
import type { QueryTable } from '../../query/service/query-schema.js';
import { QueryService } from '../../query/service/query.service.js';
import { CacheControl, NO_STORE } from '../cache-control.js';
import { assertQueries } from './assert-queries.js';
import { Client, type WaitingClient } from './client.js';
import { sampleQuery } from './query-bodies.js';
import { toDataSource, toWireEnhancedTable, toWireRelationships, toWireTable } from './query-wire.js';

/** Prismiq's schema routes (query contract 1.3). Mounted by {@link PrismiqModule}; see {@link PrismiqController}. @publicApi */
@CacheControl(NO_STORE)
export abstract class PrismiqSchemaController {
  /** @internal */
  static readonly repository = QueryService;
  constructor(@Inject(QueryService) protected readonly queries: QueryService) {}

  @Get('schema')
  async schema() {
    const schema = await assertQueries(this.queries).schema();
    return { tables: schema.tables.map(toWireTable), relationships: toWireRelationships(schema) };
  }

  @Get('schema/enhanced')
  async enhancedSchema() {
    const schema = await assertQueries(this.queries).schema();
    return { tables: schema.tables.map(toWireEnhancedTable), relationships: toWireRelationships(schema) };
  }

  @Get('data-sources')
  async dataSources() {
    const { tables } = await assertQueries(this.queries).schema();
    return tables.map(toDataSource);
  }

  @Get('tables')
  async tables() {
    const { tables } = await assertQueries(this.queries).schema();
    return tables.map(({ name }) => name);
  }

  @Get('tables/:table')
  async table(@Param('table') table: string) {
    const found = await findTable(this.queries, table);
    if (found === undefined) {
      throw new TableNotFoundError(table);
    }
    return toWireTable(found);
  }

  @Get('tables/:table/enhanced')
  async enhancedTable(@Param('table') table: string) {
    const found = await findTable(this.queries, table);
    if (found === undefined) {
      throw new NotFoundException(`Table '${table}' not found`);
    }
    return toWireEnhancedTable(found);
  }

  @Get('tables/:table/columns/:column/sample')
  async sample(
    @Param('table') table: string,
    @Param('column') column: string,
    @Query() query?: unknown,
    @Client() client?: WaitingClient,
  ) {
    const { limit } = parseDocument(sampleQuery, query ?? {});
    return { values: await assertQueries(this.queries).sample(table, column, { limit, signal: client?.signal }) };
  }
}

async function findTable(queries: QueryService, table: string): Promise<QueryTable | undefined> {
  const { tables } = await assertQueries(queries).schema();
  return tables.find(({ name }) => name === table);
}
