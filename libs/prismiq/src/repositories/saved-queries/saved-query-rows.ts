import { timeColumns, withDates, type Columns, type Stored } from '../json-rows.js';
import type { SavedQuery } from '../records.js';

export type SavedQueryRow = Stored<SavedQuery>;

/** Of a saved query `q`. */
export const SAVED_QUERY_COLUMNS: Columns<SavedQueryRow> = {
  id: 'q.id',
  tenantId: 'q.tenant_id',
  name: 'q.name',
  description: 'q.description',
  query: 'q.query',
  ownerId: 'q.owner_id',
  isShared: 'q.is_shared',
  version: 'q.version',
  ...timeColumns('q'),
};

export const toSavedQuery = (row: SavedQueryRow): SavedQuery => withDates(row);
