/** A day of the calendar, as `YYYY-MM-DD`, which also sorts. After the year 9999, years have more digits. */
export type PlainDate = string;

const DAY_MS = 24 * 60 * 60 * 1000;

const toUtc = (date: PlainDate): number => Date.parse(`${date}T00:00:00Z`);

export const addDays = (date: PlainDate, days: number): PlainDate => formatUtc(new Date(toUtc(date) + days * DAY_MS));

/** @param month 1 to 12; others are months of other years */
export function firstOfMonth(year: number, month: number): PlainDate {
  // Date.UTC takes the years before 100 for those of the 20th century.
  const date = new Date(Date.UTC(2000, 0, 1));
  date.setUTCFullYear(year, month - 1, 1);
  return formatUtc(date);
}

export const getYear = (date: PlainDate): number => Number(date.slice(0, -6));

/** 1 to 12. */
export const getMonth = (date: PlainDate): number => Number(date.slice(-5, -3));

/** 0 for Monday, 6 for Sunday. */
export const getWeekday = (date: PlainDate): number => (new Date(toUtc(date)).getUTCDay() + 6) % 7;

/** Without the sign that ISO 8601 puts before years of more than four digits, which PostgreSQL does not read. */
function formatUtc(date: Date): PlainDate {
  const [day = ''] = date.toISOString().split('T');
  return day.replace(/^\+0*/, '');
}
