import { z } from 'zod';
import { name, userId } from '../documents/text.js';

/** The body of `POST …/duplicate`. All members are optional. */
export const duplicateBody = z.object({
  name: z.string().nullish().describe('By default that of the original, followed by ` (Copy)`.'),
});

/** The body of `PUT …/owner`. */
export const transferBody = z.object({
  owner_id: userId,
  version: z.int().nullish().describe('The version that the caller has read.'),
});

/** The members other than `export_data`. */
export const importOptionsBody = z.object({
  name_override: name().nullish(),
  on_conflict: z.enum(['fail', 'rename', 'overwrite']).nullish(),
});
