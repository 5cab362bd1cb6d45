/** `12:30:00.5` as `12:30:00.500000`. */
export const toIsoTime = (text: string): string => {
  const point = text.lastIndexOf('.');
  return point === -1 ? text : text.padEnd(point + 7, '0');
};

/** `2024-05-01 12:30:00` as `2024-05-01T12:30:00`. Infinite times, and those before Christ, stay as they are. */
export const toLocalDateTime = (text: string): string => (isDateTime(text) ? toIsoTime(text.replace(' ', 'T')) : text);

const isDateTime = (text: string): boolean => /^\d{4}-\d\d-\d\d [\d:.]+$/.test(text);

const INSTANT = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?$/;

/** An instant in any zone as UTC, such as `2024-05-01T12:30:00Z`. */
export function toInstant(text: string): string {
  const [, date, time, fraction = '', sign, hours, minutes = '0', seconds = '0'] = INSTANT.exec(text) ?? [];
  if (date === undefined) {
    return text;
  }
  const offset = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  const utc =
    offset === 0
      ? `${date}T${time}`
      : new Date(Date.parse(`${date}T${time}Z`) - (sign === '-' ? -offset : offset) * 1000).toISOString().slice(0, -5);
  return `${toIsoTime(utc + fraction)}Z`;
}

/** `12:30:00+02` as `12:30:00+02:00`. */
export function toTimeWithZone(text: string): string {
  const [, time = text, offset = ''] = /^([\d:.]+)([+-].+)$/.exec(text) ?? [];
  return toIsoTime(time) + (offset.length === 3 ? `${offset}:00` : offset);
}

const DAY = 24 * 60 * 60;

const INTERVAL =
  /^(?:([+-]?\d+) years? ?)?(?:([+-]?\d+) mons? ?)?(?:([+-]?\d+) days? ?)?(?:([+-]?)(\d+):(\d\d):(\d\d(?:\.\d+)?))?$/;

/**
 * An interval in PostgreSQL's own style, such as `1 year 2 mons -3 days 04:05:06.7`, as seconds. A month has 30 days, a year 365.
 * An infinite one is null.
 */
export function toSeconds(text: string): number | null {
  const parts = INTERVAL.exec(text);
  if (parts === null) {
    return null;
  }
  const [, years = 0, months = 0, days = 0, sign, hours = 0, minutes = 0, seconds = 0] = parts;
  const whole = (Number(years) * 365 + Number(months) * 30 + Number(days)) * DAY;
  const rest = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return whole + (sign === '-' ? -rest : rest);
}
