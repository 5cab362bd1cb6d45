import { Delete, Get, HttpCode, Inject, Param, Patch, Post, Put, Query } from '@nestjs/common';
import type { WidgetPlacement } from '../documents/widget.documents.js';
import { parseDocument } from '../documents/parse-document.js';
import { InvalidDocumentError } from '../errors/record.errors.js';
import { DashboardRepository } from '../repositories/dashboards/dashboard.repository.js';
import { duplicateBody, transferBody } from './bodies.js';
import { importFrom } from './import-body.js';
import { JsonBody } from './json-body.js';
import { dashboardListQuery, parseListQuery, toWirePage } from './list-query.js';
import { IfMatch, versionIn, writeIf, type ExpectedVersions } from './preconditions.js';
import { asObject, fromWire, toWireDashboard, toWireSummary } from './wire.js';

/** Prismiq's dashboard routes (wire contract 3.1). Mounted by {@link PrismiqModule}; see {@link PrismiqController}. @publicApi */
export abstract class PrismiqDashboardsController {
  /** @internal */
  static readonly repository = DashboardRepository;

  constructor(@Inject(DashboardRepository) protected readonly dashboards: DashboardRepository) {}

  @Get()
  async list(@Query() query?: unknown) {
    const asked = parseListQuery(dashboardListQuery, query);
    if (asked === undefined) {
      return { dashboards: (await this.dashboards.list()).map(toWireDashboard) };
    }
    if (asked.query.fields === 'summary') {
      const page = await this.dashboards.listSummaries(asked.options);
      return { dashboards: page.items.map(toWireSummary), ...toWirePage(page) };
    }
    const page = await this.dashboards.listPage(asked.options);
    return { dashboards: page.items.map(toWireDashboard), ...toWirePage(page) };
  }

  @Get(':id')
  async get(@Param('id') id: string) {
    return toWireDashboard(await this.dashboards.get(id));
  }

  @Post()
  async create(@JsonBody() body: unknown) {
    return toWireDashboard(await this.dashboards.create(fromWire(body)));
  }

  @Post('import')
  async import(@JsonBody() body: unknown) {
    const { dashboard } = await importFrom(body, (exported, options) => this.dashboards.import(exported, options));
    return toWireDashboard(dashboard);
  }

  @Patch(':id')
  async update(@Param('id') id: string, @JsonBody() body: unknown, @IfMatch() ifMatch?: ExpectedVersions) {
    return writeIf(ifMatch, versionIn(body), async (options) =>
      toWireDashboard(await this.dashboards.update(id, fromWire(body), options)),
    );
  }

  @Delete(':id')
  @HttpCode(200)
  async delete(@Param('id') id: string, @IfMatch() ifMatch?: ExpectedVersions) {
    await writeIf(ifMatch, undefined, (options) => this.dashboards.delete(id, options));
    return { success: true, message: 'Dashboard deleted' };
  }

  @Put(':id/layout')
  async updateLayout(@Param('id') id: string, @JsonBody() body: unknown, @IfMatch() ifMatch?: ExpectedVersions) {
    return writeIf(ifMatch, undefined, async (options) =>
      toWireDashboard(await this.dashboards.updateLayout(id, toPlacements(body), options)),
    );
  }

  @Get(':id/export')
  async export(@Param('id') id: string) {
    return this.dashboards.export(id);
  }

  /** The body is optional, and may name the copy. */
  @Post(':id/duplicate')
  async duplicate(@Param('id') id: string, @JsonBody() body?: unknown) {
    const { name } = parseDocument(duplicateBody, body ?? {});
    return toWireDashboard(await this.dashboards.duplicate(id, { name: name ?? undefined }));
  }

  /** Answers without the dashboard: the caller may not be able to see it any more. */
  @Put(':id/owner')
  async transfer(@Param('id') id: string, @JsonBody() body: unknown, @IfMatch() ifMatch?: ExpectedVersions) {
    const { owner_id, version } = parseDocument(transferBody, asObject(body));
    await writeIf(ifMatch, version ?? undefined, (options) => this.dashboards.transferOwnership(id, owner_id, options));
    return { success: true, message: 'Ownership transferred' };
  }
}

/** The body is a bare array. */
function toPlacements(body: unknown): WidgetPlacement[] {
  if (!Array.isArray(body)) {
    throw new InvalidDocumentError([{ type: 'invalid_type', path: [], message: 'must be a JSON array', input: body }]);
  }
  return body.map((entry: unknown, index) => fromWire<WidgetPlacement>(entry, [index]));
}
