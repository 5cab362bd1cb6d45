import { PrismiqError, type PrismiqErrorContext } from '../errors/prismiq.error.js';

/** Of a long statement the beginning is quoted. */
const QUOTED_LENGTH = 1000;

/**
 * A statement that the {@link SqlGuard} has refused. It was not sent.
 *
 * @publicApi
 */
export class UnsafeStatementError extends PrismiqError {
  override readonly code = 'UNSAFE_STATEMENT';

  /** @param problem says what the statement does, and what it should do instead */
  constructor(
    problem: string,
    readonly statement: string,
    context: PrismiqErrorContext = {},
  ) {
    const quoted = statement.length > QUOTED_LENGTH ? `${statement.slice(0, QUOTED_LENGTH)} …` : statement;
    super(
      `The SQL guard refused a statement: ${problem} What a test itself prepares can be exempted with guard.off(() => …).\n${quoted}`,
      500,
      false,
      context,
    );
  }
}
