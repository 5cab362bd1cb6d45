import {
  RecordForbiddenError,
  RecordNotFoundError,
  StaleVersionError,
  type RecordKind,
} from '../errors/record.errors.js';
import { Parameters } from '../sql/parameters.js';
import type { SqlExecutor } from '../sql/sql-executor.js';
import { errorContext } from '../tenancy/tenant.js';
import {
  dashboardChangeableSql,
  dashboardVisibleSql,
  savedQueryChangeableSql,
  savedQueryVisibleSql,
} from './access.js';
import { isId, type TenantScope } from './tenant-scope.js';

/** What the caller knows about the record that it is about to change. */
export interface WriteOptions {
  /**
   * The version that the caller has read, or several of which any will do. If another one is stored, the write is refused with a
   * StaleVersionError.
   * @default undefined: the last write wins
   */
  version?: number | readonly number[] | undefined;
}

/** A locked row. */
export interface LockedRow {
  /** The stored version. */
  version: number;
  /** Whether one of the conditions of `differs` holds. */
  differs: boolean;
}

/** Makes conditions, any of which says that a write would change something. Values go into the parameters of the statement. */
export type Differs = (parameters: Parameters) => string[];

const RULES = {
  dashboard: {
    alias: 'd',
    table: 'dashboards',
    visibleSql: dashboardVisibleSql,
    changeableSql: dashboardChangeableSql,
  },
  'saved query': {
    alias: 'q',
    table: 'savedQueries',
    visibleSql: savedQueryVisibleSql,
    changeableSql: savedQueryChangeableSql,
  },
} as const;

/**
 * Locks a record that the acting user may change. Every change of a dashboard or of its widgets passes through here, one after the
 * other. In a separate statement, so that the following ones see what the previous holder has written.
 *
 * @throws RecordNotFoundError, RecordForbiddenError, StaleVersionError
 */
export async function lockRecord(
  sql: SqlExecutor,
  scope: TenantScope,
  kind: keyof typeof RULES,
  id: string,
  { version }: WriteOptions,
  differs: Differs = () => [],
): Promise<LockedRow> {
  const { tenant } = scope;
  const { alias, table, visibleSql, changeableSql } = RULES[kind];
  const parameters = new Parameters();
  const [row] = isId(id)
    ? await sql.query<LockedRow & { changeable: boolean }>(
        `SELECT ${alias}.version, ${changeableSql(tenant, parameters)} AS changeable,
           ${['false', ...differs(parameters)].join(' OR ')} AS differs
         FROM ${scope[table]} ${alias}
         WHERE ${visibleSql(tenant, parameters)} AND ${alias}.id = ${parameters.add(id)}
         FOR NO KEY UPDATE`,
        parameters.values,
      )
    : [];
  if (row === undefined) {
    throw notFoundError(kind, scope, id);
  }
  if (!row.changeable) {
    throw new RecordForbiddenError(kind, id, errorContext(tenant));
  }
  if (version !== undefined && ![version].flat().includes(row.version)) {
    throw new StaleVersionError(kind, id, version, row.version, errorContext(tenant));
  }
  return row;
}

export const notFoundError = (kind: RecordKind, { tenant }: TenantScope, id: string): RecordNotFoundError =>
  new RecordNotFoundError(kind, id, errorContext(tenant));
