import { PrismiqError, type PrismiqErrorContext } from './prismiq.error.js';

/**
 * An option of {@link PrismiqModule} is missing, of the wrong type, or in the wrong place. Thrown while the application starts.
 *
 * @publicApi
 */
export class InvalidOptionsError extends PrismiqError {
  override readonly code = 'INVALID_OPTIONS';

  /** @param option the option at fault, as it is written, e.g. `controllers.path` */
  constructor(
    readonly option: string,
    problem: string,
    context: PrismiqErrorContext = {},
  ) {
    super(`PrismiqModule: option \`${option}\` ${problem}`, 500, false, context);
  }
}
