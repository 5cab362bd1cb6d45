import { PrismiqError, type PrismiqErrorContext } from './prismiq.error.js';

/** The kinds of record that Prismiq stores. */
export type RecordKind = 'dashboard' | 'widget' | 'saved query';

const capitalize = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/**
 * The tenant has no such record, or none that the acting user may see. The two look the same, so that nobody can probe for
 * records that they may not see.
 *
 * @publicApi
 */
export class RecordNotFoundError extends PrismiqError {
  override readonly code = 'NOT_FOUND';

  constructor(
    readonly kind: RecordKind,
    readonly id: string,
    context: PrismiqErrorContext = {},
  ) {
    super(`${capitalize(kind)} not found`, 404, true, context);
  }
}

/**
 * The acting user may see the record but not change it.
 *
 * @publicApi
 */
export class RecordForbiddenError extends PrismiqError {
  override readonly code = 'FORBIDDEN';

  constructor(
    readonly kind: RecordKind,
    readonly id: string,
    context: PrismiqErrorContext = {},
  ) {
    super('Permission denied', 403, true, context);
  }
}

/**
 * The tenant already has a record of this kind and name, possibly one that the acting user cannot see.
 *
 * @publicApi
 */
export class NameTakenError extends PrismiqError {
  override readonly code = 'NAME_TAKEN';

  constructor(
    readonly kind: RecordKind,
    readonly recordName: string,
    context: PrismiqErrorContext = {},
  ) {
    super(`A ${kind} named ${JSON.stringify(recordName)} already exists. Choose another name.`, 409, true, context);
  }
}

/**
 * The record has changed since the caller read it. Nothing was written.
 *
 * @publicApi
 */
export class StaleVersionError extends PrismiqError {
  override readonly code = 'STALE_VERSION';

  /**
   * @param expected the version that the caller has read, or the versions that they accept
   * @param current the stored version
   */
  constructor(
    readonly kind: RecordKind,
    readonly id: string,
    readonly expected: number | readonly number[],
    readonly current: number,
    context: PrismiqErrorContext = {},
  ) {
    super(
      `The ${kind} has changed meanwhile: version ${[expected].flat().join(' or ')} was read, version ${current} is stored. Read it again.`,
      409,
      true,
      context,
    );
  }
}

/**
 * The If-Match header of the request does not name the stored version. Nothing was written.
 *
 * @publicApi
 */
export class PreconditionFailedError extends PrismiqError {
  override readonly code = 'PRECONDITION_FAILED';
  /** The stored version. */
  readonly current: number;

  constructor(cause: StaleVersionError) {
    const { kind, current, tenantId, schema } = cause;
    super(
      `The ${kind} has changed meanwhile: version ${current} is stored, which If-Match does not name. Read it again.`,
      412,
      true,
      { tenantId, schema, cause },
    );
    this.current = current;
  }
}

/** One fault of a document. */
export interface DocumentIssue {
  /** The machine-readable kind of the fault, e.g. `too_big`. */
  type: string;
  /** The path of the value at fault. */
  path: readonly (string | number)[];
  message: string;
  /** The value at fault. */
  input?: unknown;
}

/** The most faults of one input that are reported; checking stops there. */
export const MAX_ISSUES = 100;

/**
 * The input breaks the rules of its document. `issues` lists the faults, each with its path, at most 100 of them. Nothing was
 * written.
 *
 * @publicApi
 */
export class InvalidDocumentError extends PrismiqError {
  override readonly code = 'INVALID_DOCUMENT';

  constructor(
    readonly issues: readonly DocumentIssue[],
    context: PrismiqErrorContext = {},
  ) {
    const faults = issues.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message));
    super(`Invalid document: ${faults.join('; ')}`, 422, true, context);
  }
}

/**
 * The input is larger than the `limits` option allows. Nothing was written.
 *
 * @publicApi
 */
export class DocumentTooLargeError extends PrismiqError {
  override readonly code = 'DOCUMENT_TOO_LARGE';

  /** @param unit what `size` and `limit` count */
  constructor(
    what: string,
    readonly size: number,
    readonly limit: number,
    readonly unit: 'bytes' | 'widgets',
    context: PrismiqErrorContext = {},
  ) {
    super(`Too large: ${what} has ${size} ${unit}, and ${limit} are allowed.`, 413, true, context);
  }
}

/**
 * The result is larger than `limits.readBytes`. It was measured in the database and not transferred.
 *
 * @publicApi
 */
export class ResultTooLargeError extends PrismiqError {
  override readonly code = 'RESULT_TOO_LARGE';

  /** @param limit the `readBytes` option */
  constructor(
    problem: string,
    readonly limit: number,
    context: PrismiqErrorContext = {},
  ) {
    super(`${problem} The limit for one read is ${limit} bytes (\`limits.readBytes\`).`, 413, true, context);
  }
}

/**
 * The record stayed locked by another transaction, or by other writes of this process, for longer than the `connections` option
 * allows. Nothing was written.
 *
 * @publicApi
 */
export class RecordBusyError extends PrismiqError {
  override readonly code = 'RECORD_BUSY';
  override readonly retryAfterSeconds = 1;

  /** @param id undefined if the lock is on a name, or on several records */
  constructor(
    readonly kind: RecordKind,
    readonly id: string | undefined,
    context: PrismiqErrorContext = {},
  ) {
    const record = id === undefined ? `A ${kind} of this tenant` : `The ${kind} ${id}`;
    super(`${record} is locked by another change. Nothing was written. Try again in a moment.`, 503, true, context);
  }
}
