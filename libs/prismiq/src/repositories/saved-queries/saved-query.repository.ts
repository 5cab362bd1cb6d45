import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import { assertSize } from '../../documents/limits.js';
import { parseDocument } from '../../documents/parse-document.js';
import {
  createSavedQuery,
  updateSavedQuery,
  type CreateSavedQuery,
  type UpdateSavedQuery,
} from '../../documents/saved-query.documents.js';
import { Parameters } from '../../sql/parameters.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import { savedQueryIsChangeable, savedQueryIsVisible } from '../access.js';
import { readPage, type ListOptions, type Page } from '../list-page.js';
import { lockSavedQuery, notFound, type WriteOptions } from '../lock-record.js';
import { withNameCheck } from '../name-taken.js';
import type { SavedQuery } from '../records.js';
import { SAVED_QUERY_COLUMNS, toSavedQuery, type SavedQueryRow } from '../rows.js';
import { isId, TenantRepository, type TenantScope } from '../tenant-repository.js';

/**
 * The saved queries of the tenant in context, as far as its acting user may see and change them.
 *
 * Errors and transactions are as in {@link DashboardRepository}.
 *
 * @publicApi
 */
@Injectable()
export class SavedQueryRepository extends TenantRepository {
  /**
   * Creates a saved query, owned by the acting user.
   *
   * @throws InvalidDocumentError, NameTakenError
   */
  async create(input: CreateSavedQuery): Promise<SavedQuery> {
    return this.forTenant(async (scope) => {
      const { name, description = null, query, isShared = false } = parseDocument(createSavedQuery, input);
      assertSize({ query }, this.limits);
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
      const statement = `INSERT INTO ${scope.savedQueries} AS q (tenant_id, name, description, query, owner_id, is_shared)
        VALUES (${values.join(', ')}) RETURNING ${SAVED_QUERY_COLUMNS}`;
      const [row] = await withNameCheck('saved query', scope.tenant, name, () =>
        this.database.write((sql) => sql.query<SavedQueryRow>(statement, parameters.values)),
      );
      scope.changed({ kind: 'saved query', action: 'created', id: row!.id, versionAfter: row!.version });
      return toSavedQuery(row!);
    });
  }

  /** @throws RecordNotFoundError: there is none, or it is not visible */
  async get(id: string): Promise<SavedQuery> {
    return this.forTenant(async (scope) => {
      const [query] = isId(id) ? await read(this.database, scope, id) : [];
      if (query === undefined) {
        throw notFound('saved query', scope.tenant, id);
      }
      return query;
    });
  }

  /** All that are visible, by name. */
  async list(): Promise<SavedQuery[]> {
    return this.forTenant((scope) => read(this.database, scope));
  }

  /**
   * A page of those that are visible.
   *
   * @throws InvalidDocumentError
   */
  async listPage(options: ListOptions = {}): Promise<Page<SavedQuery>> {
    return this.forTenant(async ({ tenant, savedQueries }) => {
      const list = {
        from: `${savedQueries} q`,
        alias: 'q' as const,
        columns: SAVED_QUERY_COLUMNS,
        tenant,
        where: (parameters: Parameters) => savedQueryIsVisible(tenant, parameters),
        sort: 'name' as const,
      };
      const page = await readPage<SavedQueryRow>(this.database, list, options);
      return { ...page, items: page.items.map(toSavedQuery) };
    });
  }

  /**
   * Changes what `patch` names. A patch that changes nothing leaves the version as it is.
   *
   * @throws RecordNotFoundError, RecordForbiddenError, InvalidDocumentError, NameTakenError, StaleVersionError
   */
  async update(id: string, patch: UpdateSavedQuery, options: WriteOptions = {}): Promise<SavedQuery> {
    return this.forTenant(async (scope) => {
      const columns = parseDocument(updateSavedQuery, patch);
      assertSize(columns, this.limits);
      return this.database.transaction(async (sql) => {
        const { differs, version } = await lockSavedQuery(sql, scope, id, options, (parameters) =>
          columnsOf(columns, parameters).map(([column, value]) => `q.${column} IS DISTINCT FROM ${value}`),
        );
        if (differs) {
          await withNameCheck('saved query', scope.tenant, columns.name, () => change(sql, scope, id, columns));
          const versions = { versionBefore: version, versionAfter: version + 1 };
          scope.changed({ kind: 'saved query', action: 'updated', id, ...versions });
        }
        const [query] = await read(sql, scope, id);
        return query!;
      });
    });
  }

  /** @throws RecordNotFoundError, RecordForbiddenError, StaleVersionError */
  async delete(id: string, options: WriteOptions = {}): Promise<void> {
    return this.forTenant((scope) =>
      this.database.transaction(async (sql) => {
        const { version } = await lockSavedQuery(sql, scope, id, options);
        scope.changed({ kind: 'saved query', action: 'deleted', id, versionBefore: version });
        const parameters = new Parameters();
        await sql.query(
          `DELETE FROM ${scope.savedQueries} q
           WHERE ${savedQueryIsChangeable(scope.tenant, parameters)} AND q.id = ${parameters.add(id)}`,
          parameters.values,
        );
      }),
    );
  }
}

type Columns = z.output<typeof updateSavedQuery>;

/** The columns that a patch names, each with the placeholder of its value; what is absent stays as it is. */
function columnsOf({ name, description, query, isShared }: Columns, parameters: Parameters) {
  return [
    ...(name === undefined ? [] : [['name', parameters.add(name)] as const]),
    ...(description === undefined ? [] : [['description', parameters.add(description)] as const]),
    ...(query === undefined ? [] : [['query', parameters.json(query)] as const]),
    ...(isShared === undefined ? [] : [['is_shared', parameters.add(isShared)] as const]),
  ];
}

async function change(sql: SqlExecutor, scope: TenantScope, id: string, columns: Columns): Promise<void> {
  const parameters = new Parameters();
  const set = [
    'version = q.version + 1',
    'updated_at = now()',
    ...columnsOf(columns, parameters).map((column) => column.join(' = ')),
  ];
  await sql.query(
    `UPDATE ${scope.savedQueries} q SET ${set.join(', ')}
     WHERE ${savedQueryIsChangeable(scope.tenant, parameters)} AND q.id = ${parameters.add(id)}`,
    parameters.values,
  );
}

async function read(sql: SqlExecutor, scope: TenantScope, id?: string): Promise<SavedQuery[]> {
  const parameters = new Parameters();
  const visible = savedQueryIsVisible(scope.tenant, parameters);
  const one = id === undefined ? '' : `AND q.id = ${parameters.add(id)}`;
  const rows = await sql.query<SavedQueryRow>(
    `SELECT ${SAVED_QUERY_COLUMNS} FROM ${scope.savedQueries} q WHERE ${visible} ${one} ORDER BY q.name, q.id`,
    parameters.values,
  );
  return rows.map(toSavedQuery);
}
