import { Injectable } from '@nestjs/common';
import { parseDocument } from '../documents/parse-document.js';
import {
  createSavedQuery,
  updateSavedQuery,
  type CreateSavedQuery,
  type UpdateSavedQuery,
} from '../documents/saved-query.documents.js';
import { NameTakenError, RecordForbiddenError, RecordNotFoundError } from '../errors/record.errors.js';
import { Parameters } from '../sql/parameters.js';
import type { SqlExecutor } from '../sql/sql-executor.js';
import { isUniqueViolation } from '../sql/translate-error.js';
import { savedQueryIsChangeable, savedQueryIsVisible } from './access.js';
import type { SavedQuery } from './records.js';
import { SAVED_QUERY_COLUMNS, toSavedQuery, type SavedQueryRow } from './rows.js';
import { isId, TenantRepository, type Scope } from './tenant-repository.js';

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
      const rows = await this.writeNamed(scope, name, statement, parameters);
      return toSavedQuery(rows[0]!);
    });
  }

  /** @throws RecordNotFoundError: there is none, or it is not visible */
  async get(id: string): Promise<SavedQuery> {
    return this.forTenant(async (scope) => {
      const [query] = isId(id) ? await read(this.database, scope, id) : [];
      if (query === undefined) {
        throw notFound(scope, id);
      }
      return query;
    });
  }

  /** All that are visible, by name. */
  async list(): Promise<SavedQuery[]> {
    return this.forTenant((scope) => read(this.database, scope));
  }

  /**
   * Changes what `patch` names.
   *
   * @throws RecordNotFoundError, RecordForbiddenError, InvalidDocumentError, NameTakenError
   */
  async update(id: string, patch: UpdateSavedQuery): Promise<SavedQuery> {
    return this.forTenant(async (scope) => {
      const { name, description, query, isShared } = parseDocument(updateSavedQuery, patch);
      if (!isId(id)) {
        throw notFound(scope, id);
      }
      const parameters = new Parameters();
      const assignments = [
        'version = q.version + 1',
        'updated_at = now()',
        name === undefined ? [] : `name = ${parameters.add(name)}`,
        description === undefined ? [] : `description = ${parameters.add(description)}`,
        query === undefined ? [] : `query = ${parameters.json(query)}`,
        isShared === undefined ? [] : `is_shared = ${parameters.add(isShared)}`,
      ].flat();
      const changeable = savedQueryIsChangeable(scope.tenant, parameters);
      const statement = `UPDATE ${scope.savedQueries} q SET ${assignments.join(', ')}
        WHERE ${changeable} AND q.id = ${parameters.add(id)} RETURNING ${SAVED_QUERY_COLUMNS}`;
      const [row] = await this.writeNamed(scope, name, statement, parameters);
      if (row === undefined) {
        throw await refusal(this.database, scope, id);
      }
      return toSavedQuery(row);
    });
  }

  /** @throws RecordNotFoundError, RecordForbiddenError */
  async delete(id: string): Promise<void> {
    return this.forTenant(async (scope) => {
      const parameters = new Parameters();
      const changeable = savedQueryIsChangeable(scope.tenant, parameters);
      const deleted = isId(id)
        ? await this.database.write((sql) =>
            sql.query(
              `DELETE FROM ${scope.savedQueries} q WHERE ${changeable} AND q.id = ${parameters.add(id)} RETURNING q.id`,
              parameters.values,
            ),
          )
        : [];
      if (deleted.length === 0) {
        throw await refusal(this.database, scope, id);
      }
    });
  }

  /** Sends a statement that may meet a name in use. */
  private async writeNamed(
    { tenant: { tenantId, schema } }: Scope,
    name: string | undefined,
    statement: string,
    parameters: Parameters,
  ): Promise<SavedQueryRow[]> {
    try {
      return await this.database.write((sql) => sql.query<SavedQueryRow>(statement, parameters.values));
    } catch (error) {
      if (name !== undefined && isUniqueViolation(error)) {
        throw new NameTakenError('saved query', name, { tenantId, schema, sqlState: '23505', cause: error });
      }
      throw error;
    }
  }
}

async function read(sql: SqlExecutor, scope: Scope, id?: string): Promise<SavedQuery[]> {
  const parameters = new Parameters();
  const visible = savedQueryIsVisible(scope.tenant, parameters);
  const one = id === undefined ? '' : `AND q.id = ${parameters.add(id)}`;
  const rows = await sql.query<SavedQueryRow>(
    `SELECT ${SAVED_QUERY_COLUMNS} FROM ${scope.savedQueries} q WHERE ${visible} ${one} ORDER BY q.name, q.id`,
    parameters.values,
  );
  return rows.map(toSavedQuery);
}

/** Why a saved query could not be changed. */
async function refusal(sql: SqlExecutor, scope: Scope, id: string): Promise<Error> {
  const { tenantId, schema } = scope.tenant;
  const [seen] = isId(id) ? await read(sql, scope, id) : [];
  return seen === undefined ? notFound(scope, id) : new RecordForbiddenError('saved query', id, { tenantId, schema });
}

function notFound({ tenant: { tenantId, schema } }: Scope, id: string): RecordNotFoundError {
  return new RecordNotFoundError('saved query', id, { tenantId, schema });
}
