import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UsageError } from '../errors.js';
import { checkConfig } from './check-config.js';
import type { PrismiqCliConfig } from './cli-config.js';

/**
 * Reads a configuration file.
 *
 * TypeScript goes through jiti on every Node: Node's own type stripping begins with 22.18, knows neither enums nor decorators, and does
 * not find `./order.entity.ts` where the import says `./order.entity.js`, as MikroORM configurations do. Packages are left to
 * Node, so that there is one MikroORM for all that import it. jiti is installed under another name, because MikroORM's own command
 * uses it as soon as it finds it, and then cannot run the migrations of an ES module project.
 *
 * @throws UsageError
 */
export async function loadConfig(path: string): Promise<PrismiqCliConfig> {
  let exported: { default?: unknown };
  try {
    exported = /^\.m?ts$/.test(extname(path)) ? await importTypeScript(path) : await import(pathToFileURL(path).href);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${path} cannot be loaded: ${reason}`, { cause: error });
  }
  const config = isCompiled(exported.default) ? exported.default.default : exported.default;
  if (config === undefined) {
    throw new UsageError(
      `${path} exports nothing by default. Write: export default definePrismiqConfig({ database: … }), ` +
        "with definePrismiqConfig from '@prismiq/nestjs'.",
    );
  }
  return checkConfig(config, path);
}

/** The default export of compiled CommonJS is one level deeper. */
const isCompiled = (exported: unknown): exported is { default?: unknown } =>
  typeof exported === 'object' && exported !== null && '__esModule' in exported;

async function importTypeScript(path: string): Promise<{ default?: unknown }> {
  const { createJiti } = await import('jiti-for-prismiq');
  // No cache on disk: it would be in a folder for temporary files that others may write to.
  return createJiti(import.meta.url, { fsCache: false, interopDefault: false }).import(path);
}
