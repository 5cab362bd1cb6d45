import { Delete, HttpCode, Inject, NotImplementedException, Param, Patch, Post, Put } from '@nestjs/common';
import { WidgetRepository } from '../repositories/widgets/widget.repository.js';
import { JsonBody } from './json-body.js';
import { IfMatch, writeIf, type ExpectedVersions } from './preconditions.js';
import { fromWire, toWireVersionedWidget } from './wire.js';

/** Prismiq's widget routes (wire contract 3.2). Mounted by {@link PrismiqModule}; see {@link PrismiqController}. @publicApi */
export abstract class PrismiqWidgetsController {
  /** @internal */
  static readonly repository = WidgetRepository;

  constructor(@Inject(WidgetRepository) protected readonly widgets: WidgetRepository) {}

  @Post()
  async create(
    @Param('dashboardId') dashboardId: string,
    @JsonBody() body: unknown,
    @IfMatch() ifMatch?: ExpectedVersions,
  ) {
    return writeIf(ifMatch, undefined, async (options) =>
      toWireVersionedWidget(await this.widgets.create(dashboardId, fromWire(body), options)),
    );
  }

  /** Prismiq's client sends PUT, its Python server only has PATCH. Both change only the members in the body. */
  @Put(':id')
  async replace(
    @Param('dashboardId') dashboardId: string,
    @Param('id') id: string,
    @JsonBody() body: unknown,
    @IfMatch() ifMatch?: ExpectedVersions,
  ) {
    return this.update(dashboardId, id, body, ifMatch);
  }

  @Patch(':id')
  async update(
    @Param('dashboardId') dashboardId: string,
    @Param('id') id: string,
    @JsonBody() body: unknown,
    @IfMatch() ifMatch?: ExpectedVersions,
  ) {
    return writeIf(ifMatch, undefined, async (options) =>
      toWireVersionedWidget(await this.widgets.update(dashboardId, id, fromWire(body), options)),
    );
  }

  @Delete(':id')
  @HttpCode(200)
  async delete(
    @Param('dashboardId') dashboardId: string,
    @Param('id') id: string,
    @IfMatch() ifMatch?: ExpectedVersions,
  ) {
    await writeIf(ifMatch, undefined, (options) => this.widgets.delete(dashboardId, id, options));
    return { success: true, message: 'Widget deleted' };
  }

  @Post(':id/duplicate')
  async duplicate(
    @Param('dashboardId') dashboardId: string,
    @Param('id') id: string,
    @IfMatch() ifMatch?: ExpectedVersions,
  ) {
    return writeIf(ifMatch, undefined, async (options) =>
      toWireVersionedWidget(await this.widgets.duplicate(dashboardId, id, options)),
    );
  }

  /** A host that has a query engine overrides it. */
  @Post(':id/execute')
  @HttpCode(200)
  async execute(@Param('dashboardId') _dashboardId: string, @Param('id') _id: string, @JsonBody() _body?: unknown) {
    throw new NotImplementedException('Running a query takes a query engine, and this server has none');
  }
}
