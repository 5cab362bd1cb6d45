/** Dates by UTC, as texts that sort: `2024-05-14` or `2024-05-14T23:30:00Z`. */

const iso = (date: Date) => date.toISOString();
const utc = (year: number, month: number, day = 1) => iso(new Date(Date.UTC(year, month, day)));

/** What a text of a filter means: from, until before; the same for a moment. */
export function span(text: string): [from: string, until: string] {
  const quarter = /^Q(\d) (\d+)$/.exec(text);
  if (quarter !== null) {
    const [year, month] = [Number(quarter[2]), 3 * (Number(quarter[1]) - 1)];
    return [utc(year, month), utc(year, month + 3)];
  }
  if (text.length > 10) {
    const moment = iso(new Date(`${text.replace(' ', 'T').replace('Z', '')}Z`));
    return [moment, moment];
  }
  const [year, month, day] = text.split('-').map(Number) as [number, number?, number?];
  if (month === undefined) {
    return [utc(year, 0), utc(year + 1, 0)];
  }
  return day === undefined
    ? [utc(year, month - 1), utc(year, month)]
    : [utc(year, month - 1, day), utc(year, month - 1, day + 1)];
}

/** The moment at which a stored date begins. */
export const moment = (date: string): string => iso(new Date(date));

export const TODAY = '2024-05-15';

export const dayFromToday = (days: number): string => iso(new Date(Date.parse(TODAY) + days * 86_400_000));

/** The bounds of a `date_window`, by calendar years, the second one excluded. */
export function windowSpan(period: string, value: number): [string, string] {
  if (period === 'quarterly') {
    return [utc(2024, 3 + 3 * value), utc(2024, 6 + 3 * value)];
  }
  return value === 0 ? [utc(2024, 0), dayFromToday(1)] : [utc(2024 + value, 0), utc(2025 + value, 0)];
}

export function truncate(date: string, unit: string): string {
  const at = new Date(date);
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  const starts: Record<string, string> = {
    day: utc(year, month, day),
    week: utc(year, month, day - ((at.getUTCDay() + 6) % 7)),
    month: utc(year, month),
    quarter: utc(year, month - (month % 3)),
    year: utc(year, 0),
  };
  return starts[unit]!.slice(0, 19);
}

/** The bucket after one. */
export function next(bucket: string, unit: string): string {
  const at = new Date(`${bucket}Z`);
  const days: Record<string, number> = { day: 1, week: 7 };
  const months: Record<string, number> = { month: 1, quarter: 3, year: 12 };
  at.setUTCDate(at.getUTCDate() + (days[unit] ?? 0));
  at.setUTCMonth(at.getUTCMonth() + (months[unit] ?? 0));
  return iso(at).slice(0, 19);
}
