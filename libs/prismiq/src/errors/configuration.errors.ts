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
   * @param owner whose option it is
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
