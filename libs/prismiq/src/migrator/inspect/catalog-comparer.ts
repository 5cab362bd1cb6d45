import type { SchemaDifference } from '../../errors/schema.errors.js';
import { readFingerprints } from '../../schema/catalog-fingerprint.js';
import { compareCatalog } from '../../schema/compare-catalog.js';
import type { CatalogObject } from '../../schema/expected-catalog.js';
import { readCatalog } from '../../schema/read-catalog.js';
import { SCHEMA_VERSIONS } from '../../schema/schema-versions.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';

/** How Prismiq's tables in a schema differ from each version, by its name. */
export type CatalogComparison = ReadonlyMap<string, readonly SchemaDifference[]>;

const compareWithVersions = (found: readonly CatalogObject[]): CatalogComparison =>
  new Map(SCHEMA_VERSIONS.map(({ name }) => [name, compareCatalog(found, name)]));

/** The comparison of a schema without tables of Prismiq. */
export const NO_TABLES: CatalogComparison = compareWithVersions([]);

/** A healthy fleet has a handful of fingerprints. */
const MAX_REMEMBERED_FINGERPRINTS = 1000;

/**
 * Compares the tables of many schemas with those of each version. Among schemas with the same fingerprint it reads the whole catalog of
 * only one.
 */
export class CatalogComparer {
  readonly #known = new Map<string, CatalogComparison>();

  /** One comparison for each schema that has tables of Prismiq. */
  async compare(sql: SqlExecutor, schemas: readonly string[]): Promise<Map<string, CatalogComparison>> {
    const comparisons = new Map<string, CatalogComparison>();
    const groups = new Map<string, string[]>();
    for (const [schema, fingerprint] of await readFingerprints(sql, schemas)) {
      const known = this.#known.get(fingerprint);
      if (known === undefined) {
        groups.set(fingerprint, [...(groups.get(fingerprint) ?? []), schema]);
      } else {
        comparisons.set(schema, known);
      }
    }
    while (groups.size > 0) {
      await this.#compareFirstOfEachGroup(groups, sql, comparisons);
    }
    return comparisons;
  }

  /** Compares one schema of each group. The result holds for the others too, unless the schema changes meanwhile. */
  async #compareFirstOfEachGroup(
    groups: Map<string, string[]>,
    sql: SqlExecutor,
    comparisons: Map<string, CatalogComparison>,
  ): Promise<void> {
    const chosen = [...groups].map(([fingerprint, schemas]) => ({ fingerprint, schemas, schema: schemas.pop()! }));
    const names = chosen.map(({ schema }) => schema);
    const catalogs = await readCatalog(sql, names);
    const fingerprints = await readFingerprints(sql, names);
    for (const { fingerprint, schemas, schema } of chosen) {
      const comparison = compareWithVersions(catalogs.get(schema) ?? []);
      comparisons.set(schema, comparison);
      if (fingerprints.get(schema) === fingerprint) {
        this.#remember(fingerprint, comparison);
        schemas.splice(0).forEach((other) => comparisons.set(other, comparison));
      }
      if (schemas.length === 0) {
        groups.delete(fingerprint);
      }
    }
  }

  #remember(fingerprint: string, comparison: CatalogComparison): void {
    if (this.#known.size >= MAX_REMEMBERED_FINGERPRINTS) {
      this.#known.clear();
    }
    this.#known.set(fingerprint, comparison);
  }
}
