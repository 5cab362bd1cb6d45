import { PrismiqError, type PrismiqErrorContext } from './prismiq.error.js';

/**
 * A query took longer than `query.limits.timeoutMs`, and was canceled.
 *
 * @publicApi
 */
export class QueryTimeoutError extends PrismiqError {
  override readonly code = 'QUERY_TIMEOUT';

  constructor(
    readonly timeoutMs: number,
    context: PrismiqErrorContext = {},
  ) {
    super(`Query exceeded timeout of ${(timeoutMs / 1000).toFixed(1)} seconds`, 504, true, context);
  }
}

/**
 * The rows of a query have more bytes than `query.limits.resultBytes`. The rest was not read.
 *
 * @publicApi
 */
export class QueryResultTooLargeError extends PrismiqError {
  override readonly code = 'QUERY_RESULT_TOO_LARGE';

  /** @param limit in bytes, as the server sends them */
  constructor(
    readonly limit: number,
    context: PrismiqErrorContext = {},
  ) {
    super(
      `The result of the query has more than ${limit} bytes. Select fewer columns or rows, or aggregate them.`,
      413,
      true,
      context,
    );
  }
}

/**
 * A value of the query or of a row cannot be computed, such as a division by zero. See `sqlState`.
 *
 * @publicApi
 */
export class QueryDataError extends PrismiqError {
  override readonly code = 'QUERY_DATA_ERROR';

  constructor(problem: string, context: PrismiqErrorContext) {
    super(problem, 400, true, context);
  }
}

/**
 * The database refused a query for a reason that its author cannot mend; see `sqlState` and `cause`.
 *
 * @publicApi
 */
export class QueryFailedError extends PrismiqError {
  override readonly code = 'QUERY_FAILED';

  constructor(reason: string, context: PrismiqErrorContext) {
    super(`The database refused a query (SQLSTATE ${context.sqlState ?? 'unknown'}): ${reason}`, 500, false, context);
  }
}

/**
 * No connection to the database became free in time. The query did not begin.
 *
 * @publicApi
 */
export class ConnectionsBusyError extends PrismiqError {
  override readonly code = 'CONNECTIONS_BUSY';
  override readonly retryAfterSeconds = 1;

  constructor(waitedMs: number, context: PrismiqErrorContext) {
    super(
      `No connection to the database became free within ${waitedMs} ms. Nothing was done. Try again in a moment.`,
      503,
      true,
      context,
    );
  }
}

/**
 * There is no such table, or the viewer may not query it.
 *
 * @publicApi
 */
export class TableNotFoundError extends PrismiqError {
  override readonly code = 'TABLE_NOT_FOUND';

  constructor(
    readonly table: string,
    context: PrismiqErrorContext = {},
  ) {
    super(`Table not found: ${table}`, 404, true, context);
  }
}

/**
 * The table has no such column, or the viewer may not query it.
 *
 * @publicApi
 */
export class ColumnNotFoundError extends PrismiqError {
  override readonly code = 'COLUMN_NOT_FOUND';

  constructor(
    readonly column: string,
    readonly table: string,
    context: PrismiqErrorContext = {},
  ) {
    super(`Column '${column}' not found in table '${table}'`, 404, true, context);
  }
}

/**
 * The widget has neither a query nor SQL, such as a text widget.
 *
 * @publicApi
 */
export class WidgetHasNoQueryError extends PrismiqError {
  override readonly code = 'WIDGET_HAS_NO_QUERY';

  constructor(
    readonly widgetId: string,
    context: PrismiqErrorContext = {},
  ) {
    super('Widget has no query', 400, true, context);
  }
}

/**
 * The acting user may not run this SQL text: SQL mode is off, or the text is of no widget that they may see, and they lack the right to
 * run others.
 *
 * @publicApi
 */
export class SqlModeForbiddenError extends PrismiqError {
  override readonly code = 'SQL_MODE_FORBIDDEN';

  constructor(problem: string, context: PrismiqErrorContext = {}) {
    super(problem, 403, true, context);
  }
}

/**
 * The registration runs no queries: it has no `query` option.
 *
 * @publicApi
 */
export class QueriesDisabledError extends PrismiqError {
  override readonly code = 'QUERIES_DISABLED';

  constructor() {
    super(
      'Running a query takes a query engine, and this server has none. Set the option `query` of PrismiqModule: ' +
        '{ tables: { orders: {} } }.',
      501,
      false,
    );
  }
}
