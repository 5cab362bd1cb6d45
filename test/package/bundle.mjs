// Bundles a compiled host with all that it depends on, as hosts for containers and functions are.
import { builtinModules } from 'node:module';
import { build } from 'esbuild';

/** Optional dependencies of Nest, MikroORM and pg that are not installed stay imports, which nothing ever runs. */
const leaveOutMissing = {
  name: 'leave-out-missing',
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, async ({ path, pluginData, ...options }) => {
      if (pluginData === 'resolving' || builtinModules.includes(path.replace(/^node:/, ''))) {
        return undefined;
      }
      const { errors } = await build.resolve(path, { ...options, pluginData: 'resolving' });
      return errors.length > 0 ? { path, external: true } : undefined;
    });
  },
};

/** A dependency that is CommonJS calls `require`, which an ES module does not have. */
const REQUIRE =
  "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);";

/**
 * @param {'cjs' | 'esm'} format
 * @returns the warnings of the bundler about the package under test
 */
export async function bundle(entry, outfile, format, minify) {
  const { warnings } = await build({
    entryPoints: [entry],
    outfile,
    format,
    minify,
    bundle: true,
    platform: 'node',
    // Reads a file next to its own.
    external: ['libpg-query'],
    target: 'node22',
    logLevel: 'error',
    plugins: [leaveOutMissing],
    banner: format === 'esm' ? { js: REQUIRE } : {},
  });
  return warnings.filter(({ location }) => location?.file.includes('prismiq')).map(({ text }) => text);
}
