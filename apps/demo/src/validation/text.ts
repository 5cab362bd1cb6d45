import { z } from 'zod';

/** Text that PostgreSQL can store: it knows no U+0000. */
export const text = (max: number, example: string) =>
  z
    .string()
    .max(max)
    .refine((value) => !value.includes('\0'), 'must not contain the character U+0000')
    .meta({ examples: [example] });

/** A tenant's or user's name. Tenants' names become parts of schema names, so nothing in them has to be escaped. */
export const name = (example: string) =>
  z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,39}$/, 'must be 1 to 40 small letters, digits and underscores, a letter first')
    .meta({ examples: [example] });
