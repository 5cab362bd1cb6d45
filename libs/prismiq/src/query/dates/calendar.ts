import type { PlainDate } from './plain-date.js';

/** Returns the current time. @publicApi */
export type Clock = () => Date;

export interface CalendarSettings {
  /** An IANA name. */
  readonly timeZone: string;
  /** 1 to 12. */
  readonly fiscalYearStartMonth: number;
  readonly clock: Clock;
}

/** The dates of one query: which day is today, in which zone. It remembers whether the query asked for today. */
export class Calendar {
  readonly timeZone: string;
  readonly fiscalYearStartMonth: number;
  readonly #clock: Clock;
  #today: PlainDate | undefined;

  constructor({ timeZone, fiscalYearStartMonth, clock }: CalendarSettings) {
    this.timeZone = timeZone;
    this.fiscalYearStartMonth = fiscalYearStartMonth;
    this.#clock = clock;
  }

  /** Whether the query depends on the day on which it runs. */
  get usesToday(): boolean {
    return this.#today !== undefined;
  }

  /** The same during the whole query, even past midnight. */
  get today(): PlainDate {
    this.#today ??= dayIn(this.timeZone, this.#clock());
    return this.#today;
  }
}

const formats = new Map<string, Intl.DateTimeFormat>();

function dayIn(timeZone: string, time: Date): PlainDate {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
    formats.set(timeZone, format);
  }
  return format.format(time);
}
