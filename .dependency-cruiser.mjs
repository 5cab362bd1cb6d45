import { readdirSync, readFileSync } from 'node:fs';

const SOURCES = 'libs/prismiq/src';

/** The table in CONTRIBUTING.md has the layers in order, the uppermost first. */
const contributing = readFileSync(new URL('CONTRIBUTING.md', import.meta.url), 'utf8');
const [, table] = contributing.split('| Folder or file');
const layers = [...table.split('\n\n')[0].matchAll(/^\| `([^`]+?)\/?`/gm)].map(([, name]) => name);

/** A folder whose sub-folders are listed has nothing else. */
const isSplit = (name) => layers.some((layer) => layer.startsWith(`${name}/`));
const names = readdirSync(SOURCES).flatMap((name) =>
  isSplit(name) ? readdirSync(`${SOURCES}/${name}`).map((part) => `${name}/${part}`) : [name],
);
const unlisted = names.filter((name) => !layers.includes(name));
if (unlisted.length > 0) {
  throw new Error(
    `${unlisted.join(', ')} of ${SOURCES} is not in the table of layers in CONTRIBUTING.md. Add it there.`,
  );
}

const pattern = (name) => `^${SOURCES}/${name.replaceAll('.', '\\.')}(/|$)`;

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: layers.slice(1).map((layer, index) => ({
    name: `${layer} imports from a layer above it`,
    severity: 'error',
    from: { path: pattern(layer) },
    to: { path: layers.slice(0, index + 1).map(pattern) },
  })),
  options: {
    tsPreCompilationDeps: true, // an import of types counts as well
    tsConfig: { fileName: new URL('tsconfig.json', import.meta.url).pathname },
    doNotFollow: { path: 'node_modules' },
  },
};
