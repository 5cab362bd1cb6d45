import { Delete, Get, HttpCode, Inject, Param, Patch, Post, Query } from '@nestjs/common';
import { SavedQueryRepository } from '../repositories/saved-queries/saved-query.repository.js';
import { JsonBody } from './json-body.js';
import { listQuery, parseListQuery, toWirePage } from './list-query.js';
import { IfMatch, versionIn, writeIf, type ExpectedVersions } from './preconditions.js';
import { fromWire, toWireSavedQuery } from './wire.js';

/** Prismiq's saved-query routes (wire contract 3.3). Mounted by {@link PrismiqModule}; see {@link PrismiqController}. @publicApi */
export abstract class PrismiqSavedQueriesController {
  /** @internal */
  static readonly repository = SavedQueryRepository;

  constructor(@Inject(SavedQueryRepository) protected readonly queries: SavedQueryRepository) {}

  @Get()
  async list(@Query() query?: unknown) {
    const asked = parseListQuery(listQuery, query);
    if (asked === undefined) {
      return { queries: (await this.queries.list()).map(toWireSavedQuery) };
    }
    const page = await this.queries.listPage(asked.options);
    return { queries: page.items.map(toWireSavedQuery), ...toWirePage(page) };
  }

  @Get(':id')
  async get(@Param('id') id: string) {
    return toWireSavedQuery(await this.queries.get(id));
  }

  @Post()
  async create(@JsonBody() body: unknown) {
    return toWireSavedQuery(await this.queries.create(fromWire(body)));
  }

  @Patch(':id')
  async update(@Param('id') id: string, @JsonBody() body: unknown, @IfMatch() ifMatch?: ExpectedVersions) {
    return writeIf(ifMatch, versionIn(body), async (options) =>
      toWireSavedQuery(await this.queries.update(id, fromWire(body), options)),
    );
  }

  @Delete(':id')
  @HttpCode(200)
  async delete(@Param('id') id: string, @IfMatch() ifMatch?: ExpectedVersions) {
    await writeIf(ifMatch, undefined, (options) => this.queries.delete(id, options));
    return { success: true, message: 'Saved query deleted' };
  }
}
