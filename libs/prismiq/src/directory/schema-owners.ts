import { probeSchemaFor } from './probe-schema-for.js';
import type { SchemaFor } from './schema-for.js';

interface Owner {
  readonly tenantId: string;
  /** Whether `schemaFor` has given the schema, and not the directory. */
  readonly isDerived: boolean;
}

/** Two tenants that would work in one schema by accident. */
export interface SchemaConflict {
  readonly owner: string;
  readonly problem: string;
}

/**
 * Which tenants were seen in which schema. Tenants share a schema on purpose if `schemaFor` is made to give many ids one schema, or
 * if the directory names it for each of them; otherwise two ids that give one schema are a mistake.
 */
export class SchemaOwners {
  readonly #owners = new Map<string, Owner>();
  #isShared: boolean | undefined;

  constructor(
    private readonly schemaFor: SchemaFor,
    private readonly maxEntries = Infinity,
  ) {}

  /** Records that a tenant works in a schema, unless that is another tenant's. */
  claim(tenantId: string, schema: string, isDerived: boolean): SchemaConflict | undefined {
    const owner = this.#owners.get(schema);
    if (owner !== undefined && owner.tenantId !== tenantId && (isDerived || owner.isDerived) && !this.isShared()) {
      const [one, other] = [owner.tenantId, tenantId].map((id) => JSON.stringify(id));
      return {
        owner: owner.tenantId,
        problem:
          `gives tenants ${one} and ${other} the same schema "${schema}". Let \`schemaFor\` tell them apart, or name a schema of its ` +
          'own for one of them. If they are meant to share it, name it for both.',
      };
    }
    if (owner === undefined || owner.tenantId === tenantId) {
      if (this.#owners.size >= this.maxEntries) {
        this.#owners.delete(this.#owners.keys().next().value!);
      }
      this.#owners.set(schema, { tenantId, isDerived });
    }
    return undefined;
  }

  /** Forgets a tenant that is gone. */
  release(schema: string): void {
    this.#owners.delete(schema);
  }

  private isShared(): boolean {
    this.#isShared ??= probeSchemaFor(this.schemaFor).kind === 'shared';
    return this.#isShared;
  }
}
