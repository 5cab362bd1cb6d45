import type { z } from 'zod';
import type { createSavedQuery, updateSavedQuery } from '../../documents/saved-query.documents.js';
import { Parameters } from '../../sql/parameters.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import { savedQueryChangeableSql, savedQueryVisibleSql } from '../access.js';
import { toAssignments, type Assignment } from '../assignments.js';
import { parseRow, recordColumn, type JsonRow } from '../json-rows.js';
import type { ListSource } from '../lists/read-list.js';
import { lockRecord, notFoundError, type WriteOptions } from '../lock-record.js';
import type { SavedQuery } from '../records.js';
import { isId, noteChange, type TenantScope } from '../tenant-scope.js';
import { SAVED_QUERY_COLUMNS, toSavedQuery, type SavedQueryRow } from './saved-query-rows.js';

/** The saved queries that the acting user may see, as the source of a list. */
export const savedQueryList = ({ tenant, savedQueries }: TenantScope): ListSource<SavedQueryRow> => ({
  what: 'saved queries',
  table: savedQueries,
  alias: 'q',
  columns: SAVED_QUERY_COLUMNS,
  storedBytes: undefined,
  where: (parameters) => savedQueryVisibleSql(tenant, parameters),
  sort: 'name',
});

const parseSavedQuery = (row: JsonRow, scope: TenantScope): SavedQuery =>
  toSavedQuery(parseRow(row, SAVED_QUERY_COLUMNS, 'the saved query', scope));

/** @throws RecordNotFoundError, ResultTooLargeError */
export async function readSavedQuery(sql: SqlExecutor, scope: TenantScope, id: string): Promise<SavedQuery> {
  const parameters = new Parameters();
  const [row] = isId(id)
    ? await sql.query<JsonRow>(
        `SELECT ${recordColumn(SAVED_QUERY_COLUMNS, scope)} FROM ${scope.savedQueries} q
         WHERE ${savedQueryVisibleSql(scope.tenant, parameters)} AND q.id = ${parameters.add(id)}`,
        parameters.values,
      )
    : [];
  if (row === undefined) {
    throw notFoundError('saved query', scope, id);
  }
  return parseSavedQuery(row, scope);
}

/** Inserts a saved query, owned by the acting user. */
export async function insertSavedQuery(
  sql: SqlExecutor,
  scope: TenantScope,
  { name, description = null, query, isShared = false }: z.output<typeof createSavedQuery>,
): Promise<SavedQuery> {
  const { tenantId, userId = null } = scope.tenant;
  const parameters = new Parameters();
  const values = [
    parameters.add(tenantId),
    parameters.add(name),
    parameters.add(description),
    parameters.json(query),
    parameters.add(userId),
    parameters.add(isShared),
  ];
  const [row] = await sql.query<JsonRow>(
    `INSERT INTO ${scope.savedQueries} AS q (tenant_id, name, description, query, owner_id, is_shared)
     VALUES (${values.join(', ')}) RETURNING ${recordColumn(SAVED_QUERY_COLUMNS, scope)}`,
    parameters.values,
  );
  return parseSavedQuery(row!, scope);
}

export type SavedQueryPatch = z.output<typeof updateSavedQuery>;

const COLUMNS = {
  name: 'name',
  description: 'description',
  query: 'query',
  isShared: 'is_shared',
} satisfies Record<keyof SavedQueryPatch, string>;

export const savedQueryAssignments = (patch: SavedQueryPatch, parameters: Parameters): Assignment[] =>
  toAssignments(patch, COLUMNS, ['query'], parameters);

/** Applies a patch to a locked saved query, and reads it. */
export async function changeSavedQuery(
  sql: SqlExecutor,
  scope: TenantScope,
  id: string,
  patch: SavedQueryPatch,
): Promise<SavedQuery> {
  const parameters = new Parameters();
  const set = savedQueryAssignments(patch, parameters).map((column) => column.join(' = '));
  const [row] = await sql.query<JsonRow>(
    `UPDATE ${scope.savedQueries} q SET ${['version = q.version + 1', 'updated_at = now()', ...set].join(', ')}
     WHERE ${savedQueryChangeableSql(scope.tenant, parameters)} AND q.id = ${parameters.add(id)}
     RETURNING ${recordColumn(SAVED_QUERY_COLUMNS, scope)}`,
    parameters.values,
  );
  return parseSavedQuery(row!, scope);
}

/** @throws RecordNotFoundError, RecordForbiddenError, StaleVersionError */
export async function deleteSavedQuery(
  sql: SqlExecutor,
  scope: TenantScope,
  id: string,
  options: WriteOptions,
): Promise<void> {
  const { version } = await lockRecord(sql, scope, 'saved query', id, options);
  const parameters = new Parameters();
  await sql.query(
    `DELETE FROM ${scope.savedQueries} q
     WHERE ${savedQueryChangeableSql(scope.tenant, parameters)} AND q.id = ${parameters.add(id)}`,
    parameters.values,
  );
  noteChange(scope, { kind: 'saved query', action: 'deleted', id, versionBefore: version });
}
