import { InvalidOptionsError } from '../../errors/configuration.errors.js';
import { errorContext, type Tenant } from '../../tenancy/tenant.js';
import { Calendar } from '../dates/calendar.js';
import { isTimeZone } from '../dates/time-zone.js';
import type { QueryConfig } from '../options/resolve-query-options.js';
import type { QueryViewer } from '../options/row-filter.js';
import type { VisibleSchema } from '../visible-schema/visible-schema.js';

/** For whom one query runs, and on what. */
export interface QueryScope {
  readonly tenant: Tenant;
  readonly viewer: QueryViewer;
  readonly role: string | undefined;
  readonly schema: VisibleSchema;
  readonly calendar: Calendar;
}

export const toViewer = ({ tenantId, schema, userId, isAdmin }: Tenant): QueryViewer => ({
  tenantId,
  schema,
  userId,
  isAdmin,
});

/**
 * The calendar of a tenant.
 *
 * @param fiscalYearStartMonth takes precedence over that of the tenant
 * @throws InvalidOptionsError if the host's function returns no zone, or no month
 */
export function openCalendar(config: QueryConfig, tenant: Tenant, fiscalYearStartMonth?: number): Calendar {
  const viewer = toViewer(tenant);
  const { timeZone, fiscalYearStartMonth: month, clock } = config;
  const settings = {
    timeZone: typeof timeZone === 'function' ? timeZone(viewer) : timeZone,
    fiscalYearStartMonth: fiscalYearStartMonth ?? (typeof month === 'function' ? month(viewer) : month),
    clock,
  };
  if (!isTimeZone(settings.timeZone)) {
    throw new InvalidOptionsError(
      'query.timeZone',
      `must return an IANA time zone, and returned ${JSON.stringify(settings.timeZone)}`,
      errorContext(tenant),
    );
  }
  if (!isMonth(settings.fiscalYearStartMonth)) {
    throw new InvalidOptionsError(
      'query.fiscalYearStartMonth',
      `must return a month from 1 to 12, and returned ${JSON.stringify(settings.fiscalYearStartMonth)}`,
      errorContext(tenant),
    );
  }
  return new Calendar(settings);
}

export const isMonth = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 12;
