import { z } from 'zod';
import { queryDefinition } from './query.documents.js';
import { name, optional, text } from './text.js';

export const createSavedQuery = z.object({
  name: name(),
  description: text().nullish(),
  query: queryDefinition,
  isShared: optional(z.boolean()),
});

/** @publicApi */
export type CreateSavedQuery = z.input<typeof createSavedQuery>;

/** Absent members stay as they are; `description: null` clears. */
export const updateSavedQuery = z.object({
  name: optional(name()),
  description: text().nullish(),
  query: optional(queryDefinition),
  isShared: optional(z.boolean()),
});

/** @publicApi */
export type UpdateSavedQuery = z.input<typeof updateSavedQuery>;
