import { AcknowledgedWrites } from './acknowledged-writes.js';
import type { TestDatabase } from '../../../../test/support/test-database.js';

export const TENANTS = 50;

/** How many dashboards and queries of a tenant are kept, so that lists stay short. */
const KEPT = 6;

/** A tenant, and the ids of what it has by the knowledge of the workers: some of it may be gone. */
export interface FuzzTenant {
  readonly tenantId: string;
  readonly schema: string;
  /** Stands in every text of the tenant's rows. */
  readonly mark: string;
  readonly dashboards: string[];
  readonly queries: string[];
}

const MARK = /<t\d\d>/g;

/** What all workers share: the tenants, and what has gone wrong. */
export class World {
  readonly tenants: readonly FuzzTenant[];
  /** Foreign rows seen, contexts left behind. Kept here, since the sender of a request sees only the status of an error. */
  readonly faults: string[] = [];
  readonly acknowledged = new AcknowledgedWrites();
  #names = 0;

  get schemas(): ReadonlySet<string> {
    return new Set(this.tenants.map(({ schema }) => schema));
  }

  constructor(schemaFor: (tenantId: string) => string) {
    this.tenants = Array.from({ length: TENANTS }, (_, i) => {
      const tenantId = `t${String(i).padStart(2, '0')}`;
      return { tenantId, schema: schemaFor(tenantId), mark: `<${tenantId}>`, dashboards: [], queries: [] };
    });
  }

  tenant(tenantId: string): FuzzTenant {
    return this.tenants.find((tenant) => tenant.tenantId === tenantId)!;
  }

  /** An unused text, marked. */
  text({ mark }: FuzzTenant): string {
    this.#names += 1;
    return `${mark} ${this.#names}`;
  }

  /** Looks for marks of other tenants in what a tenant was shown. */
  inspect<T>(shown: T, { mark }: FuzzTenant): T {
    const text = typeof shown === 'string' ? shown : (JSON.stringify(shown) ?? '');
    const foreign = text.match(MARK)?.find((found) => found !== mark);
    if (foreign !== undefined) {
      this.faults.push(`${mark} was shown a row of ${foreign}: ${text.slice(0, 500)}`);
    }
    return shown;
  }

  /** Whether there is room for one more; otherwise the oldest has to go. */
  static hasRoom(ids: string[]): boolean {
    return ids.length < KEPT;
  }

  /** All rows whose texts or tenant_id are not those of the tenant whose schema, or whose dashboard, they are in. */
  async foreignRows(database: TestDatabase): Promise<unknown[]> {
    const found = await Promise.all(
      [...this.schemas].map((schema) => {
        const owner = this.tenants.filter((tenant) => tenant.schema === schema);
        return database.query(
          `WITH rows AS (
             SELECT tenant_id, to_jsonb(d)::text AS text FROM ${schema}.prismiq_dashboards d
             UNION ALL SELECT tenant_id, to_jsonb(q)::text FROM ${schema}.prismiq_saved_queries q
             UNION ALL SELECT d.tenant_id, to_jsonb(w)::text FROM ${schema}.prismiq_widgets w
               JOIN ${schema}.prismiq_dashboards d ON d.id = w.dashboard_id)
           SELECT '${schema}' AS schema, * FROM rows
           WHERE tenant_id <> ALL ($1) OR text NOT LIKE '%<' || tenant_id || '>%'
             OR EXISTS (SELECT 1 FROM regexp_matches(text, '<(t\\d\\d)>', 'g') AS mark WHERE mark[1] <> tenant_id)`,
          [owner.map(({ tenantId }) => tenantId)],
        );
      }),
    );
    return found.flat();
  }

  /** How many rows there are: that none is foreign says little if there are none. */
  async countRows(database: TestDatabase): Promise<number> {
    const counts = await Promise.all(
      [...this.schemas].map((schema) =>
        database.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${schema}.prismiq_dashboards`),
      ),
    );
    return counts.flat().reduce((sum, { n }) => sum + n, 0);
  }
}
