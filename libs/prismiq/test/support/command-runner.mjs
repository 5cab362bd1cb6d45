// Runs the built command again and again in one process: `fork('command-runner.mjs', [folder])`, then a message for each run.
import { createRequire, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { runProgram } from '../../dist/cli/program.js';

const [folder] = process.argv.slice(2);
const { cache } = createRequire(import.meta.url);
let runs = 0;

// Node and jiti keep what they have loaded, and a test writes its files again.
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    return resolved.url?.startsWith(`${pathToFileURL(folder)}/`)
      ? { ...resolved, url: `${resolved.url}?${runs}` }
      : resolved;
  },
});

process.on('message', async ({ args, env, folder: workingFolder }) => {
  runs += 1;
  Object.keys(cache)
    .filter((path) => path.startsWith(folder))
    .forEach((path) => delete cache[path]);
  process.env = { ...env };
  process.chdir(workingFolder);
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    process[name].write = (chunk, ...rest) => {
      written[name] += chunk;
      rest.at(-1)?.();
      return true;
    };
  }
  const code = await runProgram(args, env, workingFolder);
  process.send({ code, ...written });
});
