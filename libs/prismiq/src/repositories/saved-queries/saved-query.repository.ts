import { Injectable } from '@nestjs/common';
import { assertSize } from '../../documents/limits.js';
import { parseDocument } from '../../documents/parse-document.js';
import {
  createSavedQuery,
  updateSavedQuery,
  type CreateSavedQuery,
  type UpdateSavedQuery,
} from '../../documents/saved-query.documents.js';
import { differences } from '../assignments.js';
import { withNameCheck } from '../check-name.js';
import type { ListOptions } from '../lists/list-options.js';
import { readAll, readPage, type Page } from '../lists/read-list.js';
import { lockRecord, type WriteOptions } from '../lock-record.js';
import type { SavedQuery } from '../records.js';
import { TenantRepository } from '../tenant-repository.js';
import { noteChange, noteUpdate } from '../tenant-scope.js';
import { toSavedQuery } from './saved-query-rows.js';
import {
  changeSavedQuery,
  deleteSavedQuery,
  insertSavedQuery,
  readSavedQuery,
  savedQueryAssignments,
  savedQueryList,
} from './saved-query-statements.js';

const KIND = 'saved query' as const;

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
   * @throws InvalidDocumentError, DocumentTooLargeError, NameTakenError
   */
  async create(input: CreateSavedQuery): Promise<SavedQuery> {
    return this.forTenant(async (scope) => {
      const content = parseDocument(createSavedQuery, input);
      assertSize(content, this.limits);
      return this.database.write(scope, { kind: KIND }, async (sql) => {
        const query = await withNameCheck(KIND, scope, content.name, () => insertSavedQuery(sql, scope, content));
        noteChange(scope, { kind: KIND, action: 'created', id: query.id, versionAfter: query.version });
        return query;
      });
    });
  }

  /** @throws RecordNotFoundError (there is none, or it is not visible), ResultTooLargeError */
  async get(id: string): Promise<SavedQuery> {
    return this.forTenant((scope) => this.database.read(scope, (sql) => readSavedQuery(sql, scope, id)));
  }

  /**
   * All that are visible, by name.
   *
   * @throws ResultTooLargeError: read pages instead
   */
  async list(): Promise<SavedQuery[]> {
    return this.forTenant(async (scope) => {
      const rows = await this.database.read(scope, (sql) => readAll(sql, scope, savedQueryList(scope)));
      return rows.map(toSavedQuery);
    });
  }

  /**
   * A page of those that are visible.
   *
   * @throws InvalidDocumentError, ResultTooLargeError (a single query is too large)
   */
  async listPage(options: ListOptions = {}): Promise<Page<SavedQuery>> {
    return this.forTenant(async (scope) => {
      const page = await this.database.read(scope, (sql) => readPage(sql, scope, savedQueryList(scope), options));
      return { ...page, items: page.items.map(toSavedQuery) };
    });
  }

  /**
   * Changes what `patch` names. A patch that changes nothing leaves the version as it is.
   *
   * @throws RecordNotFoundError, RecordForbiddenError, InvalidDocumentError, DocumentTooLargeError, NameTakenError,
   *   StaleVersionError
   */
  async update(id: string, patch: UpdateSavedQuery, options: WriteOptions = {}): Promise<SavedQuery> {
    return this.forTenant(async (scope) => {
      const columns = parseDocument(updateSavedQuery, patch);
      assertSize(columns, this.limits);
      return this.database.write(scope, { kind: KIND, id }, async (sql) => {
        const { differs, version } = await lockRecord(sql, scope, KIND, id, options, (parameters) =>
          differences('q', savedQueryAssignments(columns, parameters)),
        );
        if (!differs) {
          return readSavedQuery(sql, scope, id);
        }
        noteUpdate(scope, KIND, id, version + 1);
        return withNameCheck(KIND, scope, columns.name, () => changeSavedQuery(sql, scope, id, columns));
      });
    });
  }

  /** @throws RecordNotFoundError, RecordForbiddenError, StaleVersionError */
  async delete(id: string, options: WriteOptions = {}): Promise<void> {
    return this.forTenant((scope) =>
      this.database.write(scope, { kind: KIND, id }, (sql) => deleteSavedQuery(sql, scope, id, options)),
    );
  }
}
