import { z } from 'zod';
import { MIGRATOR_OPTIONS, RUN_OPTIONS } from '../../migrator/check-options.js';
import { UsageError } from '../errors.js';
import { nearest } from '../../errors/nearest.js';
import type { CliDatabase, PrismiqCliConfig } from './cli-config.js';

const isDatabase = (value: unknown): boolean =>
  typeof value === 'string' ||
  typeof value === 'function' ||
  (typeof value === 'object' && value !== null && !Array.isArray(value));

const CONFIG = z.strictObject({
  database: z
    .custom<CliDatabase | (() => CliDatabase | Promise<CliDatabase>)>(isDatabase, {
      error:
        'must be the options of your MikroORM, a MikroORM instance, a connection string, or a function that gives one of them',
    })
    .optional(),
  ...MIGRATOR_OPTIONS,
  ...RUN_OPTIONS,
});

/**
 * Checks what a configuration file exports.
 *
 * @throws UsageError that names the option
 */
export function checkConfig(exported: unknown, file: string): PrismiqCliConfig {
  if (typeof exported !== 'object' || exported === null || Array.isArray(exported)) {
    throw new UsageError(
      `${file} must export an object by default: export default definePrismiqConfig({ … }). A function can stand in \`database\`.`,
    );
  }
  const [issue] = CONFIG.safeParse(exported).error?.issues ?? [];
  if (issue?.code === 'unrecognized_keys') {
    const [name] = issue.keys as [string];
    const known = Object.keys(CONFIG.shape);
    const hint = nearest(name, known);
    throw new UsageError(
      `${file}: option \`${name}\` is unknown. ${hint === undefined ? `Known are ${known.join(', ')}.` : `Did you mean \`${hint}\`?`}`,
    );
  }
  if (issue !== undefined) {
    throw new UsageError(`${file}: option \`${String(issue.path[0])}\` ${issue.message}.`);
  }
  return exported;
}
