import { SqlFragment, identifier, sql } from '../../sql/fragment.js';

/** For whom rows are read. @publicApi */
export interface QueryViewer {
  readonly tenantId: string;
  /** The tenant's schema, unquoted. */
  readonly schema: string;
  readonly userId: string | undefined;
  readonly isAdmin: boolean;
}

/**
 * Which rows of a table a viewer may see: `true` for all, `false` for none, or a condition made by {@link rowCondition}.
 *
 * @publicApi
 */
export type RowRule = boolean | SqlFragment;

/**
 * Says which rows of a table a viewer may see. It is asked for every table of every query. What is not a {@link RowRule}, such as the
 * `undefined` of a forgotten case, fails the query.
 *
 * @publicApi
 */
export type RowFilter = (table: string, viewer: QueryViewer) => RowRule | Promise<RowRule>;

/** The rules of one query's tables, by the name of the table. */
export type RowRules = ReadonlyMap<string, RowRule>;

/**
 * A condition on the rows of a table, as text with values. Values are bound as parameters: write `${…}` without quotes. Columns need no
 * qualification and may be hidden ones; other tables must be qualified, see {@link rowCondition.identifier}.
 *
 * @example
 * rowFilter: (table, { userId }) => (table === 'orders' ? rowCondition`seller_id = ${userId}` : true)
 * @publicApi
 */
export const rowCondition = Object.assign(
  (strings: TemplateStringsArray, ...values: readonly unknown[]): SqlFragment => sql(strings, ...values),
  {
    /** A quoted name, qualified if there are several parts: `rowCondition.identifier(schema, 'teams')`. */
    identifier,
  },
);
