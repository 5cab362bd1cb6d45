import { PrismiqError, type PrismiqErrorContext } from './prismiq.error.js';

/**
 * A schema name breaks the rules: letters, digits and underscores, at most 63 bytes, not reserved.
 *
 * @publicApi
 */
export class InvalidSchemaNameError extends PrismiqError {
  override readonly code = 'INVALID_SCHEMA_NAME';

  constructor(
    readonly schemaName: string,
    problem: string,
  ) {
    // JSON escapes control characters and quotes; a very long name is cut.
    super(
      `Invalid schema name ${JSON.stringify(schemaName.slice(0, 100))}: ${problem}. ` +
        'A schema name consists of letters, digits and underscores, has at most 63 bytes, and is not reserved by PostgreSQL.',
      400,
      false,
    );
  }
}

/**
 * The schema does not exist, or the connection has no current schema.
 *
 * @publicApi
 */
export class SchemaNotFoundError extends PrismiqError {
  override readonly code = 'SCHEMA_NOT_FOUND';

  constructor(context: PrismiqErrorContext) {
    super(
      context.schema === undefined
        ? 'The connection has no current schema: no schema of its search_path exists. Pass { schema } to say where the tables go.'
        : `Schema "${context.schema}" does not exist. Create it first (CREATE SCHEMA "${context.schema}"), ` +
            'or use { createSchema: true }.',
      404,
      false,
      context,
    );
  }
}

/** One way in which a table differs from what Prismiq needs. @publicApi */
export interface SchemaDifference {
  /** The table concerned, e.g. `prismiq_dashboards`. */
  table: string;
  /** What kind of object differs. */
  kind: 'table' | 'column' | 'constraint' | 'index';
  /** The name of the object. */
  name: string;
  /** The definition that Prismiq needs, undefined if the object should not exist. */
  expected: string | undefined;
  /** The definition found, undefined if the object is missing. */
  actual: string | undefined;
  /** For a missing index: the name of an index of the table with the same definition. */
  foundAs?: string | undefined;
}

/**
 * Tables with Prismiq's names exist, but differ from what Prismiq needs. Nothing was changed.
 *
 * @publicApi
 */
export class SchemaMismatchError extends PrismiqError {
  override readonly code = 'SCHEMA_MISMATCH';

  /** @param advice what to do about the differences */
  constructor(
    readonly differences: readonly SchemaDifference[],
    context: PrismiqErrorContext,
    advice = 'Alter them to match, or move them out of the way and run ensureTables again.',
  ) {
    const lines = differences.map(
      ({ table, kind, name, expected, actual }) =>
        `  - ${kind} ${kind === 'table' ? name : `${table}.${name}`}: ` +
        `expected ${expected ?? 'nothing of this name'}, found ${actual ?? 'nothing'}`,
    );
    super(
      `The tables in schema "${context.schema}" differ from what Prismiq needs; nothing was changed.\n${lines.join('\n')}\n${advice}`,
      500,
      false,
      context,
    );
  }
}
