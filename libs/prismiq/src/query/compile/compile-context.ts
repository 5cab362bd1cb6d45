import type { Calendar } from '../dates/calendar.js';
import type { RowRules } from '../options/row-filter.js';
import type { VisibleSchema } from '../visible-schema/visible-schema.js';

/** For whom, and on what, a query is compiled. */
export interface CompileContext {
  readonly schema: VisibleSchema;
  /** One for each query. */
  readonly calendar: Calendar;
  /** By the name of the table. A table that is not in it has no rule yet, and cannot be read. */
  readonly rowRules: RowRules;
  readonly maximumRows: number;
  readonly resultNames: 'column' | 'postgres';
  /**
   * Whether filters on columns that do not exist are left out with a warning, or are faults.
   * @default 'warn'
   */
  readonly unknownFilters?: 'warn' | 'refuse' | undefined;
}
