import { Inject } from '@nestjs/common';
import type { ChangeEvent } from '../changes/change-event.js';
import { ChangeFeed } from '../changes/change-feed.js';
import type { Limits } from '../documents/limits.js';
import { PRISMIQ_LIMITS } from '../prismiq.constants.js';
import { quoteIdentifier } from '../sql/identifier.js';
import { Database } from '../sql/database.js';
import { translateError } from '../sql/translate-error.js';
import { TenantContext } from '../tenancy/tenant-context.js';
import type { Tenant } from '../tenancy/tenant.js';

/** The tenant for whom a call works, and its tables, qualified and quoted. */
export interface TenantScope {
  tenant: Tenant;
  dashboards: string;
  widgets: string;
  savedQueries: string;
  /** Notes a change, which is told of once it is committed. */
  changed: (change: Change) => void;
}

/** A change as a repository notes it; whose it was, is known. */
export type Change = Pick<ChangeEvent, 'kind' | 'action' | 'id'> &
  Partial<Pick<ChangeEvent, 'dashboardId' | 'versionBefore' | 'versionAfter'>>;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether a text can be the id of a record. What cannot be one is not found; PostgreSQL would raise an error. */
export const isId = (id: unknown): id is string => typeof id === 'string' && UUID.test(id);

/** What the repositories have in common: every call is bound to the tenant in context, or fails. */
export abstract class TenantRepository {
  constructor(
    @Inject(TenantContext) private readonly context: TenantContext,
    @Inject(Database) protected readonly database: Database,
    @Inject(ChangeFeed) private readonly feed: ChangeFeed,
    @Inject(PRISMIQ_LIMITS) protected readonly limits: Limits,
  ) {}

  /**
   * Runs one call for the tenant in context, translates what the database throws, and tells of the changes when they are
   * committed. A call is one transaction, so that either all that it noted has happened, or it throws.
   */
  protected async forTenant<T>(call: (scope: TenantScope) => Promise<T>): Promise<T> {
    const tenant = this.context.require();
    const { tenantId, schema, userId } = tenant;
    const quoted = quoteIdentifier(schema);
    const events: ChangeEvent[] = [];
    const changed = (change: Change): void => {
      events.push({
        tenantId,
        schema,
        userId,
        dashboardId: undefined,
        versionBefore: undefined,
        versionAfter: undefined,
        ...change,
      });
    };
    try {
      const result = await call({
        tenant,
        dashboards: `${quoted}.prismiq_dashboards`,
        widgets: `${quoted}.prismiq_widgets`,
        savedQueries: `${quoted}.prismiq_saved_queries`,
        changed,
      });
      if (events.length > 0) {
        this.database.afterCommit(() => this.feed.publish(events));
      }
      return result;
    } catch (error) {
      throw translateError(error, { tenantId, schema });
    }
  }
}
