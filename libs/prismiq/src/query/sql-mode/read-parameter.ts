import { refuse } from './sql-issue.js';

const isScalar = (value: unknown): boolean => value === null || ['string', 'number', 'boolean'].includes(typeof value);

/** The value of a named parameter. */
export function readParameter(params: Readonly<Record<string, unknown>>, name: string): unknown {
  const value = Object.hasOwn(params, name) ? params[name] : undefined;
  if (value === undefined) {
    refuse(`No value is given for the parameter :${name}`);
  }
  if (!isScalar(value) && !(Array.isArray(value) && value.every(isScalar))) {
    refuse(`The value of the parameter :${name} must be a text, a number, true, false, null, or a list of these`);
  }
  if ([value].flat().some((item) => typeof item === 'string' && (item.includes('\0') || !item.isWellFormed()))) {
    refuse(`The value of the parameter :${name} contains characters that are not allowed`);
  }
  return value;
}
