import type { TestDatabase } from '../../../../test/support/test-database.js';
import type { FuzzTenant } from './world.js';

/** A dashboard or a saved query, as a write was answered. */
export interface Written {
  readonly id: string;
  readonly version: number;
  readonly description: string | null;
}

/** What was answered with success, by the id of the record: none of it may be missing in the end. */
export class AcknowledgedWrites {
  readonly #written = new Map<string, Written & { readonly tenantId: string }>();
  /** By id, whether the deletion was acknowledged; one that was not may have happened. */
  readonly #deletions = new Map<string, boolean>();

  wrote({ tenantId }: FuzzTenant, { id, version, description }: Written): void {
    if ((this.#written.get(id)?.version ?? 0) < version) {
      this.#written.set(id, { tenantId, id, version, description });
    }
  }

  /** Called before a deletion is sent. */
  deleting(id: string): void {
    this.#deletions.set(id, this.#deletions.get(id) ?? false);
  }

  deleted(id: string): void {
    this.#deletions.set(id, true);
  }

  get count(): number {
    return this.#written.size;
  }

  /** Reads all back; what is not as it was acknowledged, or newer. */
  async findLost(database: TestDatabase, schemas: ReadonlySet<string>): Promise<unknown[]> {
    const rows = new Map<string, Written>();
    for (const schema of schemas) {
      const found = await database.query<Written>(
        `SELECT id, version, description FROM ${schema}.prismiq_dashboards
         UNION ALL SELECT id, version, description FROM ${schema}.prismiq_saved_queries`,
      );
      found.forEach((row) => rows.set(row.id, row));
    }
    const lost = [...this.#written.values()].filter(({ id, version, description }) => {
      const row = rows.get(id);
      return row === undefined
        ? !this.#deletions.has(id)
        : row.version < version || (row.version === version && row.description !== description);
    });
    const undone = [...this.#deletions].filter(([id, isAcknowledged]) => isAcknowledged && rows.has(id));
    return [...lost, ...undone];
  }
}
