import { InvalidDocumentError } from '../../errors/record.errors.js';
import { isId } from '../tenant-scope.js';
import type { Order, Sort } from './list-options.js';

/** The last row of a page: the next one begins after it, by value and not by number, so that rows that come or go shift nothing. */
export interface Cursor {
  /** A name, or whole microseconds since 1970, or `infinity`. */
  key: string;
  id: string;
}

const SORTS: Record<Sort, string> = { name: 'n', createdAt: 'c', updatedAt: 'u' };
const ORDERS: Record<Order, string> = { asc: 'a', desc: 'd' };
const ID_LENGTH = 36;

/** Two letters for the order of the list, the id, the key. */
export const encodeCursor = (sort: Sort, order: Order, { key, id }: Cursor): string =>
  Buffer.from(SORTS[sort] + ORDERS[order] + id + key).toString('base64url');

/** @throws InvalidDocumentError */
export function decodeCursor(cursor: string, sort: Sort, order: Order): Cursor {
  const text = Buffer.from(cursor, 'base64url').toString();
  const [id, key] = [text.slice(2, 2 + ID_LENGTH), text.slice(2 + ID_LENGTH)];
  const isKey = text.startsWith(SORTS.name) ? !key.includes('\0') : /^-?(\d{1,18}|infinity)$/.test(key);
  if (!/^[ncu][ad]/.test(text) || !isId(id) || !isKey) {
    throw invalid('is not a cursor of this list');
  }
  if (!text.startsWith(SORTS[sort] + ORDERS[order])) {
    throw invalid('belongs to a list in another order: begin again without it');
  }
  return { key, id };
}

const invalid = (message: string) => new InvalidDocumentError([{ type: 'invalid_cursor', path: ['cursor'], message }]);
