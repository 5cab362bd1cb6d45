import { Body, Delete, Get, HttpCode, Inject, Param, Patch, Post, Put } from '@nestjs/common';
import { InvalidDocumentError } from '../errors/record.errors.js';
import type { WidgetPlacement } from '../documents/widget.documents.js';
import { DashboardRepository } from '../repositories/dashboard.repository.js';
import { fromWire, toWireDashboard } from './wire.js';

/** Prismiq's dashboard routes (wire contract 3.1). Mounted by {@link PrismiqModule}; see {@link PrismiqController}. @publicApi */
export abstract class PrismiqDashboardsController {
  /** @internal */
  static readonly repository = DashboardRepository;

  constructor(@Inject(DashboardRepository) protected readonly dashboards: DashboardRepository) {}

  @Get()
  async list() {
    return { dashboards: (await this.dashboards.list()).map(toWireDashboard) };
  }

  @Get(':id')
  async get(@Param('id') id: string) {
    return toWireDashboard(await this.dashboards.get(id));
  }

  @Post()
  async create(@Body() body: unknown) {
    return toWireDashboard(await this.dashboards.create(fromWire(body)));
  }

  @Patch(':id')
  async update(@Param('id') id: string, @Body() body: unknown) {
    return toWireDashboard(await this.dashboards.update(id, fromWire(body)));
  }

  @Delete(':id')
  @HttpCode(200)
  async delete(@Param('id') id: string) {
    await this.dashboards.delete(id);
    return { success: true, message: 'Dashboard deleted' };
  }

  @Put(':id/layout')
  async updateLayout(@Param('id') id: string, @Body() body: unknown) {
    return toWireDashboard(await this.dashboards.updateLayout(id, toPlacements(body)));
  }
}

/** The body is a bare array. */
function toPlacements(body: unknown): WidgetPlacement[] {
  if (!Array.isArray(body)) {
    throw new InvalidDocumentError([{ type: 'invalid_type', path: [], message: 'must be a JSON array', input: body }]);
  }
  return body.map((entry: unknown, index) => fromWire<WidgetPlacement>(entry, [index]));
}
