import { Delete, HttpCode, Inject, NotImplementedException, Param, Patch, Post, Put } from '@nestjs/common';
import { parseDocument } from '../documents/parse-document.js';
import { QueryService } from '../query/service/query.service.js';
import { WidgetRepository } from '../repositories/widgets/widget.repository.js';
import { CacheControl, NO_STORE } from './cache-control.js';
import { JsonBody } from './json-body.js';
import { IfMatch, writeIf, type ExpectedVersions } from './preconditions.js';
import { Client, type WaitingClient } from './queries/client.js';
import { filterValues } from './queries/query-bodies.js';
import { toWireResult } from './queries/query-wire.js';
import { fromWire, toWireVersionedWidget } from './wire.js';

/** Prismiq's widget routes (wire contract 3.2). Mounted by {@link PrismiqModule}; see {@link PrismiqController}. @publicApi */
export abstract class PrismiqWidgetsController {
  /** @internal */
  static readonly repository = WidgetRepository;

  /** @internal */
  static readonly properties = { queries: QueryService };

  /** Not in the constructor, so that those of hosts' subclasses stay as they are. */
  @Inject(QueryService)
  protected readonly queries!: QueryService;

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

  /** The body is optional: values of the dashboard's filters. */
  @Post(':id/execute')
  @HttpCode(200)
  @CacheControl(NO_STORE)
  async execute(
    @Param('dashboardId') dashboardId: string,
    @Param('id') id: string,
    @JsonBody() body?: unknown,
    @Client() client?: WaitingClient,
  ) {
    if (!this.queries.isEnabled) {
      throw new NotImplementedException('Running a query takes a query engine, and this server has none');
    }
    const values = parseDocument(filterValues, isEmpty(body) ? [] : body);
    return toWireResult(
      await this.queries.runWidget(dashboardId, id, { filterValues: values, signal: client?.signal }),
    );
  }
}

/** Express makes an object of a body that is not there. */
const isEmpty = (body: unknown): boolean =>
  body == null || (typeof body === 'object' && !Array.isArray(body) && Object.keys(body).length === 0);
