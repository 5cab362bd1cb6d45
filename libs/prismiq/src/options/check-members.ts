import { InvalidOptionsError } from '../errors/configuration.errors.js';

/** @throws InvalidOptionsError that names the first unknown option */
export function assertKnown(options: object, known: readonly string[], prefix = ''): void {
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new InvalidOptionsError(`${prefix}${unknown}`, `is unknown. Known are ${known.join(', ')}.`);
  }
}

/**
 * Checks an option with members of its own.
 *
 * @param problem what is wrong with a value that is not an object
 * @throws InvalidOptionsError
 */
export function assertMembers(option: string, value: unknown, known: readonly string[], problem: string): void {
  if (typeof value !== 'object' || value === null) {
    throw new InvalidOptionsError(option, problem);
  }
  assertKnown(value, known, `${option}.`);
}
