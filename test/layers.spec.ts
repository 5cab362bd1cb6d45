import { spawnSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** `npm run lint` enforces the order of the layers; here it looks at sources that break it. */
describe('the layers of the library', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'prismiq-layers-'));
    symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function check(files: Record<string, string>) {
    for (const [name, content] of Object.entries(files)) {
      const path = join(folder, 'libs/prismiq/src', name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
    const [bin, config] = ['node_modules/.bin/depcruise', '.dependency-cruiser.mjs'].map((name) =>
      join(process.cwd(), name),
    );
    const run = spawnSync(process.execPath, [bin!, '--config', config!, 'libs/prismiq/src'], {
      cwd: folder,
      encoding: 'utf8',
    });
    return { status: run.status, output: run.stdout + run.stderr };
  }

  it('lets a layer import from one below it', () => {
    const { status, output } = check({
      'http/a.ts': `import '../errors/b.js';`,
      'errors/b.ts': `export const b = 1;`,
    });
    expect(output).toContain('no dependency violations found');
    expect(status).toBe(0);
  });

  it.each([
    ['a value', `import { a } from '../http/a.js'; export const b = a;`],
    ['a type', `import type { A } from '../http/a.js'; export type B = A;`],
    ['a re-exported type', `export type { A } from '../http/a.js';`],
  ])('fails for an import of %s from one above it', (_, content) => {
    const { status, output } = check({
      'http/a.ts': `export const a = 1; export type A = number;`,
      'errors/b.ts': content,
    });
    expect(output).toMatch(/errors imports from a layer above it: libs\/prismiq\/src\/errors\/b\.ts.*http\/a\.ts/s);
    expect(status).not.toBe(0);
  });

  it.each(['helpers', 'query/helpers'])('fails for the folder %s, which is not in the list', (folder) => {
    const { status, output } = check({ [`${folder}/a.ts`]: `export const a = 1;` });
    expect(output).toContain(`${folder} of libs/prismiq/src is not in the table of layers in CONTRIBUTING.md`);
    expect(status).not.toBe(0);
  });
});
