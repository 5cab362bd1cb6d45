/** A day of the calendar, as `YYYY-MM-DD`, which also sorts. */
export type PlainDate = string;

const DAY_MS = 24 * 60 * 60 * 1000;

const toUtc = (date: PlainDate): number => Date.parse(`${date}T00:00:00Z`);

export const addDays = (date: PlainDate, days: number): PlainDate => formatUtc(toUtc(date) + days * DAY_MS);

/** @param month 1 to 12; beyond that, months of other years */
export const firstOfMonth = (year: number, month: number): PlainDate => formatUtc(Date.UTC(year, month - 1, 1));

export const yearOf = (date: PlainDate): number => Number(date.slice(0, -6));

/** 1 to 12. */
export const monthOf = (date: PlainDate): number => Number(date.slice(-5, -3));

/** 0 for Monday, 6 for Sunday. */
export const weekdayOf = (date: PlainDate): number => (new Date(toUtc(date)).getUTCDay() + 6) % 7;

const formatUtc = (time: number): PlainDate => new Date(time).toISOString().slice(0, 10);
