import { PrismiqError, type PrismiqErrorContext } from './prismiq.error.js';

/**
 * An option of {@link PrismiqModule} or {@link TenantMigrator} is missing, of the wrong type, or in the wrong place. Thrown before
 * anything else happens.
 *
 * @publicApi
 */
export class InvalidOptionsError extends PrismiqError {
  override readonly code = 'INVALID_OPTIONS';

  /**
   * @param option the option at fault, as it is written, e.g. `controllers.path`
   * @param owner the class that takes the option
   */
  constructor(
    readonly option: string,
    problem: string,
    context: PrismiqErrorContext = {},
    owner = 'PrismiqModule',
  ) {
    super(`${owner}: option \`${option}\` ${problem}`, 500, false, context);
  }
}

/**
 * The grammar that reads SQL could not be loaded, because a bundler left out the WebAssembly file of `libpg-query`.
 *
 * @publicApi
 */
export class SqlGrammarMissingError extends PrismiqError {
  override readonly code = 'SQL_GRAMMAR_MISSING';

  constructor(cause: unknown) {
    super(
      `Cannot load the SQL grammar (${cause instanceof Error ? cause.message : String(cause)}). Migrations and the SQL guard need the ` +
        'package libpg-query with its file libpg-query.wasm. If you bundle the application, mark libpg-query as external.',
      500,
      false,
      { cause },
    );
  }
}
