import {
  RecordForbiddenError,
  RecordNotFoundError,
  StaleVersionError,
  type RecordKind,
} from '../errors/record.errors.js';
import { Parameters } from '../sql/parameters.js';
import type { SqlExecutor } from '../sql/sql-executor.js';
import type { Tenant } from '../tenancy/tenant.js';
import { dashboardIsChangeable, dashboardVisibleSql, savedQueryIsChangeable, savedQueryIsVisible } from './access.js';
import { isId, type TenantScope } from './tenant-repository.js';

/** What a caller knows of the record that it is about to change. */
export interface WriteOptions {
  /**
   * The version that the caller has read, or several of which any will do: if another is stored by now, the write is refused with a
   * StaleVersionError.
   * @default undefined: the last write wins
   */
  version?: number | readonly number[] | undefined;
}

/** A locked row. */
export interface Locked {
  /** The version stored. */
  version: number;
  /** Whether one of the conditions of `differs` holds. */
  differs: boolean;
}

/** Makes conditions, any of which says that a write would change something; values go into the statement's parameters. */
export type Differs = (parameters: Parameters) => string[];

/**
 * Locks a dashboard that the acting user may change: whoever changes it or one of its widgets passes through here, one after the
 * other. In a statement of its own, so that those which follow see what the one before has written.
 *
 * @throws RecordNotFoundError, RecordForbiddenError, StaleVersionError
 */
export const lockDashboard = (
  sql: SqlExecutor,
  scope: TenantScope,
  id: string,
  options: WriteOptions,
  differs?: Differs,
) => lock(sql, scope, 'dashboard', id, options, differs);

/** As {@link lockDashboard}, for a saved query. */
export const lockSavedQuery = (
  sql: SqlExecutor,
  scope: TenantScope,
  id: string,
  options: WriteOptions,
  differs?: Differs,
) => lock(sql, scope, 'saved query', id, options, differs);

const RULES = {
  dashboard: { alias: 'd', isVisible: dashboardVisibleSql, isChangeable: dashboardIsChangeable },
  'saved query': { alias: 'q', isVisible: savedQueryIsVisible, isChangeable: savedQueryIsChangeable },
};

async function lock(
  sql: SqlExecutor,
  { tenant, dashboards, savedQueries }: TenantScope,
  kind: keyof typeof RULES,
  id: string,
  { version }: WriteOptions,
  differs: Differs = () => [],
): Promise<Locked> {
  const { alias, isVisible, isChangeable } = RULES[kind];
  const parameters = new Parameters();
  const [row] = isId(id)
    ? await sql.query<Locked & { changeable: boolean }>(
        `SELECT ${alias}.version, ${isChangeable(tenant, parameters)} AS changeable,
           ${['false', ...differs(parameters)].join(' OR ')} AS differs
         FROM ${kind === 'dashboard' ? dashboards : savedQueries} ${alias}
         WHERE ${isVisible(tenant, parameters)} AND ${alias}.id = ${parameters.add(id)}
         FOR NO KEY UPDATE`,
        parameters.values,
      )
    : [];
  if (row === undefined) {
    throw notFound(kind, tenant, id);
  }
  if (!row.changeable) {
    throw new RecordForbiddenError(kind, id, where(tenant));
  }
  if (version !== undefined && ![version].flat().includes(row.version)) {
    throw new StaleVersionError(kind, id, version, row.version, where(tenant));
  }
  return row;
}

export const notFound = (kind: RecordKind, tenant: Tenant, id: string): RecordNotFoundError =>
  new RecordNotFoundError(kind, id, where(tenant));

/** What an error says about where it happened. */
const where = ({ tenantId, schema }: Tenant) => ({ tenantId, schema });
