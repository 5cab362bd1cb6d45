import { z } from 'zod';
import { queryDefinition, type QueryDefinition } from './query.documents.js';
import { name, optional, text } from './text.js';

/** A new saved query. @publicApi */
export interface CreateSavedQuery {
  /** 1 to 255 characters, unique within the tenant; surrounding white space is removed. */
  name: string;
  /** @default null */
  description?: string | null | undefined;
  query: QueryDefinition;
  /**
   * Whether every user of the tenant may see it.
   * @default false
   */
  isShared?: boolean | null | undefined;
}

/** A change of a saved query: absent members stay as they are. @publicApi */
export interface UpdateSavedQuery {
  name?: string | null | undefined;
  /** `null` clears. */
  description?: string | null | undefined;
  query?: QueryDefinition | null | undefined;
  isShared?: boolean | null | undefined;
}

const members = { description: text().nullish(), isShared: optional(z.boolean()) };

export const createSavedQuery = z.object({ ...members, name: name(), query: queryDefinition });

export const updateSavedQuery = z.object({
  ...members,
  name: optional(name()),
  query: optional(queryDefinition),
});
