import { ConsoleLogger, type ConsoleLoggerOptions } from '@nestjs/common';
import type { TenantContext } from './tenant-context.js';

/**
 * Nest's own logger, with the tenant on every line that is logged inside a tenant's context; as JSON, with `tenantId` and `userId`.
 *
 * @example `app.useLogger(new TenantLogger(app.get(TenantContext), { json: true }))`
 * @publicApi
 */
export class TenantLogger extends ConsoleLogger {
  constructor(
    private readonly tenants: Pick<TenantContext, 'logFields'>,
    options: ConsoleLoggerOptions = {},
  ) {
    super(options);
  }

  protected override formatContext(context: string): string {
    const { tenantId } = this.tenants.logFields();
    // Encoded, because an id may contain line breaks, which could forge log lines.
    return tenantId === undefined
      ? super.formatContext(context)
      : `${super.formatContext(context)}${super.formatContext(`tenant ${encodeURIComponent(tenantId)}`)}`;
  }

  protected override getJsonLogObject(...args: Parameters<ConsoleLogger['getJsonLogObject']>) {
    return { ...super.getJsonLogObject(...args), ...this.tenants.logFields() };
  }
}
