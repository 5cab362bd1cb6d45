import { PrismiqError, type PrismiqErrorContext } from './prismiq.error.js';

/** The kinds of record that Prismiq stores. */
export type RecordKind = 'dashboard' | 'widget' | 'saved query';

const capitalize = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/**
 * No such record in this tenant, or none that the acting user may see: the two are not told apart, so that nobody can probe
 * for the existence of what he may not see.
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
 * The acting user may see the record, but not change it.
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
 * The tenant has a record of this kind and name already; it may be one that the acting user cannot see.
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
   * @param expected the version that the caller has read, or the versions
   * @param current the version that is stored
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
 * The record has another version than those that the request's If-Match header names. Nothing was written.
 *
 * @publicApi
 */
export class PreconditionFailedError extends PrismiqError {
  override readonly code = 'PRECONDITION_FAILED';
  /** The version that is stored. */
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

/** One fault of a document: where, what, and of which kind. */
export interface DocumentIssue {
  /** Machine-readable kind of the fault, e.g. `too_big`. */
  type: string;
  /** Path of the value at fault. */
  path: readonly (string | number)[];
  message: string;
  /** The value at fault. */
  input?: unknown;
}

/** How many faults of an input are reported at most: checking stops there. */
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
