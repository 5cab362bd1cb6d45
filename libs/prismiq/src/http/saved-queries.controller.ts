import { Body, Delete, Get, HttpCode, Inject, Param, Patch, Post } from '@nestjs/common';
import { SavedQueryRepository } from '../repositories/saved-query.repository.js';
import { fromWire, toWireSavedQuery } from './wire.js';

/** Prismiq's saved-query routes (wire contract 3.3). Mounted by {@link PrismiqModule}; see {@link PrismiqController}. @publicApi */
export abstract class PrismiqSavedQueriesController {
  /** @internal */
  static readonly repository = SavedQueryRepository;

  constructor(@Inject(SavedQueryRepository) protected readonly queries: SavedQueryRepository) {}

  @Get()
  async list() {
    return { queries: (await this.queries.list()).map(toWireSavedQuery) };
  }

  @Get(':id')
  async get(@Param('id') id: string) {
    return toWireSavedQuery(await this.queries.get(id));
  }

  @Post()
  async create(@Body() body: unknown) {
    return toWireSavedQuery(await this.queries.create(fromWire(body)));
  }

  @Patch(':id')
  async update(@Param('id') id: string, @Body() body: unknown) {
    return toWireSavedQuery(await this.queries.update(id, fromWire(body)));
  }

  @Delete(':id')
  @HttpCode(200)
  async delete(@Param('id') id: string) {
    await this.queries.delete(id);
    return { success: true, message: 'Saved query deleted' };
  }
}
