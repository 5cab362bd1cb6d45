import { probeSchemaFor } from './probe-schema-for.js';
import type { SchemaFor } from './schema-for.js';

/** Two tenants that would share one schema by accident. */
export interface SchemaConflict {
  readonly owner: string;
  readonly problem: string;
}

/**
 * The tenants for which `schemaFor` gave a schema. Tenants share one on purpose if the directory names it for one of them, or if
 * `schemaFor` is made to give many ids one schema. Otherwise two ids that give one schema are a mistake.
 */
export class SchemaOwners {
  readonly #owners = new Map<string, string>();
  #isShared: boolean | undefined;

  constructor(
    private readonly schemaFor: SchemaFor,
    private readonly maxEntries = Infinity,
  ) {}

  /** Records that `schemaFor` gives a tenant this schema, unless it is another tenant's. */
  claim(tenantId: string, schema: string): SchemaConflict | undefined {
    const owner = this.#owners.get(schema);
    if (owner !== undefined && owner !== tenantId && !this.isShared()) {
      return {
        owner,
        problem:
          `has tenants ${JSON.stringify(owner)} and ${JSON.stringify(tenantId)}, to which \`schemaFor\` gives the same schema ` +
          `"${schema}". Make it return different names. If they are meant to share the schema, name it in the directory.`,
      };
    }
    if (owner === undefined) {
      if (this.#owners.size >= this.maxEntries) {
        this.#owners.delete(this.#owners.keys().next().value!);
      }
      this.#owners.set(schema, tenantId);
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
