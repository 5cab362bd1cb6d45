import { Body, Delete, HttpCode, Inject, Param, Patch, Post, Put } from '@nestjs/common';
import { WidgetRepository } from '../repositories/widget.repository.js';
import { fromWire, toWireWidget } from './wire.js';

/** Prismiq's widget routes (wire contract 3.2). Mounted by {@link PrismiqModule}; see {@link PrismiqController}. @publicApi */
export abstract class PrismiqWidgetsController {
  /** @internal */
  static readonly repository = WidgetRepository;

  constructor(@Inject(WidgetRepository) protected readonly widgets: WidgetRepository) {}

  @Post()
  async create(@Param('dashboardId') dashboardId: string, @Body() body: unknown) {
    return toWireWidget(await this.widgets.create(dashboardId, fromWire(body)));
  }

  /** Prismiq's client sends PUT, its Python server knows PATCH; both change only what the body names. */
  @Put(':id')
  async replace(@Param('dashboardId') dashboardId: string, @Param('id') id: string, @Body() body: unknown) {
    return this.update(dashboardId, id, body);
  }

  @Patch(':id')
  async update(@Param('dashboardId') dashboardId: string, @Param('id') id: string, @Body() body: unknown) {
    return toWireWidget(await this.widgets.update(dashboardId, id, fromWire(body)));
  }

  @Delete(':id')
  @HttpCode(200)
  async delete(@Param('dashboardId') dashboardId: string, @Param('id') id: string) {
    await this.widgets.delete(dashboardId, id);
    return { success: true, message: 'Widget deleted' };
  }
}
