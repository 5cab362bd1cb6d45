import { joinSql, keyword, sql, type SqlFragment } from '../../sql/fragment.js';
import type { DateUnit, ParsedTimeSeries } from '../definition/parsed-query.js';
import { NUMBER, type TypedSql } from '../expressions/typed-sql.js';

/** A column of the grouped query, by its name there. */
export interface SeriesColumn {
  /** `k1`, `k2`, …. */
  readonly name: SqlFragment;
  readonly value: TypedSql;
  readonly role: 'bucket' | 'dimension' | 'measure';
}

const STEPS: Record<DateUnit, string> = {
  minute: '1 minute',
  hour: '1 hour',
  day: '1 day',
  week: '7 days',
  month: '1 month',
  quarter: '3 months',
  year: '1 year',
};

const MAX_CELLS = 10_000;

/**
 * Adds the buckets that a grouped time series does not have, from its first to its last one, for each combination of its dimensions.
 * Combinations are numbered, so that NULL is a value like others, and buckets are found by hash. Rows without a date stay.
 *
 * @returns a query with the same columns and `f`: false if there would be too many cells, and none was added
 */
export function fillGaps(
  grouped: SqlFragment,
  columns: readonly SeriesColumn[],
  { interval, fillValue }: ParsedTimeSeries,
): SqlFragment {
  const list = (write: (column: SeriesColumn, name: SqlFragment) => SqlFragment) =>
    joinSql(
      columns.map((column) => write(column, column.name)),
      ', ',
    );
  const bucket = columns.find(({ role }) => role === 'bucket')!.name;
  const dimensions = columns.filter(({ role }) => role === 'dimension').map(({ name }) => name);
  const combination =
    dimensions.length === 0 ? keyword('1') : sql`dense_rank() OVER (ORDER BY ${joinSql(dimensions, ', ')})`;
  const cells = list(({ role, value }, name) => {
    switch (role) {
      case 'bucket':
        return sql`b.b AS ${name}`;
      case 'dimension':
        return sql`d.${name} AS ${name}`;
      case 'measure':
        return sql`CASE WHEN g.c IS NULL THEN ${fillSql(value, fillValue)} ELSE g.${name} END AS ${name}`;
    }
  });
  const limit = keyword(String(MAX_CELLS));
  return sql`WITH g AS (SELECT *, ${combination} AS c FROM (${grouped}) AS q), b AS (SELECT generate_series(s.a, s.z, ${keyword(`'${STEPS[interval]}'`)}::interval) AS b FROM (SELECT min(${bucket}) AS a, max(${bucket}) AS z FROM g) AS s LIMIT ${limit} + 1), d AS (SELECT DISTINCT ON (c) * FROM g), f AS (SELECT (SELECT count(*) FROM b) * (SELECT count(*) FROM d) <= ${limit} AS f) SELECT ${cells}, TRUE AS f FROM b CROSS JOIN d LEFT JOIN g ON g.${bucket} = b.b AND g.c = d.c WHERE (SELECT f FROM f) UNION ALL SELECT ${list((_, name) => sql`g.${name}`)}, (SELECT f FROM f) FROM g WHERE g.${bucket} IS NULL OR NOT (SELECT f FROM f)`;
}

/** NULL where the measure is no number. */
function fillSql({ kind }: TypedSql, value: number): SqlFragment {
  if (kind === 'integer' && Number.isSafeInteger(value)) {
    return sql`${String(value)}::bigint`;
  }
  return kind === 'integer' || kind === 'number' ? sql`${String(value)}::${keyword(NUMBER.castType)}` : keyword('NULL');
}
