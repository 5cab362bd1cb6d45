import { InvalidArgumentError } from 'commander';

/** Reads the value of an option. The message of its error completes commander's, which names the option. */
export type Parse<Value> = (text: string) => Value;

export const text: Parse<string> = (value) => {
  if (value === '') {
    throw new InvalidArgumentError('It must not be empty.');
  }
  return value;
};

export const wholeNumber =
  (min: number, max: number): Parse<number> =>
  (value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < min || number > max) {
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    }
    return number;
  };

export const stopOrContinue: Parse<'stop' | 'continue'> = (value) => {
  if (value !== 'stop' && value !== 'continue') {
    throw new InvalidArgumentError('It must be "stop" or "continue".');
  }
  return value;
};

const MILLISECONDS: Record<string, number> = { '': 1, ms: 1, s: 1000, min: 60_000 };

/** Reads a time as PostgreSQL's settings write it, in milliseconds. */
export const duration: Parse<number> = (value) => {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?) ?(ms|s|min|)$/.exec(value) ?? [];
  const milliseconds = Math.round(Number(amount) * MILLISECONDS[unit]!);
  if (amount === '' || milliseconds > 2_147_483_647) {
    throw new InvalidArgumentError('It must be a time such as 500ms, 5s or 2min (a number alone means milliseconds).');
  }
  return milliseconds;
};

/** A switch that an environment variable sets. */
export const onOrOff: Parse<boolean> = (value) => !/^(0|false|off|no)$/i.test(value);
