import type { SchemaDifference } from '../../errors/schema.errors.js';
import { readFingerprints } from '../../schema/catalog-fingerprint.js';
import { compareCatalog } from '../../schema/compare-catalog.js';
import type { CatalogObject } from '../../schema/expected-catalog.js';
import { readCatalog } from '../../schema/read-catalog.js';
import { SCHEMA_VERSIONS } from '../../schema/schema-versions.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';

/** How Prismiq's tables in a schema differ from each version, by its name. */
export type CatalogComparison = ReadonlyMap<string, readonly SchemaDifference[]>;

const judgementOn = (found: readonly CatalogObject[]): CatalogComparison =>
  new Map(SCHEMA_VERSIONS.map(({ name }) => [name, compareCatalog(found, name)]));

/** The judgement on a schema without tables of Prismiq. */
export const NO_TABLES: CatalogComparison = judgementOn([]);

/** How many fingerprints are kept in mind. A fleet that is in order has a handful. */
const MEMORY = 1000;

/**
 * Compares the tables of many schemas with what each version needs. It reads the whole catalog of but one schema among those with
 * the same fingerprint.
 */
export class CatalogComparer {
  readonly #known = new Map<string, CatalogComparison>();

  /** A judgement on each schema that has tables of Prismiq. */
  async judge(sql: SqlExecutor, schemas: readonly string[]): Promise<Map<string, CatalogComparison>> {
    const judgements = new Map<string, CatalogComparison>();
    const groups = new Map<string, string[]>();
    for (const [schema, fingerprint] of await readFingerprints(sql, schemas)) {
      const known = this.#known.get(fingerprint);
      if (known === undefined) {
        groups.set(fingerprint, [...(groups.get(fingerprint) ?? []), schema]);
      } else {
        judgements.set(schema, known);
      }
    }
    while (groups.size > 0) {
      await this.#judgeFirstOf(groups, sql, judgements);
    }
    return judgements;
  }

  /** Judges one schema of each group, and with it the others, unless it changes in this very moment. */
  async #judgeFirstOf(
    groups: Map<string, string[]>,
    sql: SqlExecutor,
    judgements: Map<string, CatalogComparison>,
  ): Promise<void> {
    const chosen = [...groups].map(([fingerprint, schemas]) => ({ fingerprint, schemas, schema: schemas.pop()! }));
    const names = chosen.map(({ schema }) => schema);
    const catalogs = await readCatalog(sql, names);
    const fingerprints = await readFingerprints(sql, names);
    for (const { fingerprint, schemas, schema } of chosen) {
      const judgement = judgementOn(catalogs.get(schema) ?? []);
      judgements.set(schema, judgement);
      if (fingerprints.get(schema) === fingerprint) {
        this.#remember(fingerprint, judgement);
        schemas.splice(0).forEach((other) => judgements.set(other, judgement));
      }
      if (schemas.length === 0) {
        groups.delete(fingerprint);
      }
    }
  }

  #remember(fingerprint: string, judgement: CatalogComparison): void {
    if (this.#known.size >= MEMORY) {
      this.#known.clear();
    }
    this.#known.set(fingerprint, judgement);
  }
}
