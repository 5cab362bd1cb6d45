/** Reads the value of an option; throws an {@link InvalidValue} that says what it must be. */
export type Parse<Value> = (text: string) => Value;

/** What is wrong with a value, as the end of a sentence that begins with the option's name. */
export class InvalidValue extends Error {}

export const text: Parse<string> = (value) => {
  if (value === '') {
    throw new InvalidValue('must not be empty');
  }
  return value;
};

export const wholeNumber =
  (min: number, max: number): Parse<number> =>
  (value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < min || number > max) {
      throw new InvalidValue(`must be a whole number from ${min} to ${max}`);
    }
    return number;
  };

export const oneOf =
  <Choice extends string>(...choices: Choice[]): Parse<Choice> =>
  (value) => {
    const choice = choices.find((candidate) => candidate === value);
    if (choice === undefined) {
      throw new InvalidValue(`must be ${choices.map((candidate) => `"${candidate}"`).join(' or ')}`);
    }
    return choice;
  };

const MILLISECONDS: Record<string, number> = { '': 1, ms: 1, s: 1000, min: 60_000 };

/** Reads a time as PostgreSQL's settings write it, in milliseconds. */
export const duration: Parse<number> = (value) => {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?) ?(ms|s|min|)$/.exec(value) ?? [];
  const milliseconds = Math.round(Number(amount) * MILLISECONDS[unit]!);
  if (amount === '' || milliseconds > 2_147_483_647) {
    throw new InvalidValue('must be a time such as 500ms, 5s or 2min (a number alone means milliseconds)');
  }
  return milliseconds;
};

/** A switch that is set by an environment variable. */
export const onOrOff: Parse<boolean> = (value) => !/^(0|false|off|no|)$/i.test(value);
