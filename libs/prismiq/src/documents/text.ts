import { z } from 'zod';

/** Text of 0 to `max` characters, as PostgreSQL counts them. */
export const text = (max: number = Number.POSITIVE_INFINITY) => {
  const schema = z
    .string()
    .refine((value) => value.length <= max || [...value].length <= max, `must have at most ${max} characters`);
  return max === Number.POSITIVE_INFINITY ? schema : schema.meta({ maxLength: max });
};

/** The id of a user, in the host's own form. */
export const userId = text(255).refine((id) => id.length > 0, 'must not be empty');

/** A name: surrounding white space removed, 1 to 255 characters. */
export const name = () =>
  z
    .string()
    .trim()
    .pipe(text(255).refine((value) => value.length > 0, 'must not be empty'));

/** Also accepts `null`, and turns it into an absent member, which is what clients expect. */
export const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);
