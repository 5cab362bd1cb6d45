import { z } from 'zod';
import { name, userId } from '../documents/text.js';

/** What `POST …/duplicate` takes; all of it may be left out. */
export const duplicateBody = z.object({
  name: z.string().nullish().describe('By default that of the original and ` (Copy)`.'),
});

/** What `PUT …/owner` takes. */
export const transferBody = z.object({
  owner_id: userId,
  version: z.int().nullish().describe('The version that was read.'),
});

/** What may stand around an export. */
export const importOptionsBody = z.object({
  name_override: name().nullish(),
  on_conflict: z.enum(['fail', 'rename', 'overwrite']).nullish(),
});
