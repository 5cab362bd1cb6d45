import { PrismiqError, type PrismiqErrorContext } from '../errors/prismiq.error.js';

const MAX_QUOTED_LENGTH = 1000;

/**
 * The {@link SqlGuard} refused a statement, and did not send it.
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
    const quoted = statement.length > MAX_QUOTED_LENGTH ? `${statement.slice(0, MAX_QUOTED_LENGTH)} …` : statement;
    super(
      `The SQL guard refused a statement: ${problem} What a test prepares can be exempted with guard.off(() => …).\n${quoted}`,
      500,
      false,
      context,
    );
  }
}
