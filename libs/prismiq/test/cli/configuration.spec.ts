import { schemaNames } from '../../../../test/support/catalog.js';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { CommandHost } from '../support/command.js';

/** Where the command finds what it works with: flags, environment, file. */
describe('the configuration of the prismiq command', () => {
  let database: TestDatabase;
  let other: TestDatabase;
  let host: CommandHost;
  beforeAll(async () => {
    database = await TestDatabase.create();
    other = await TestDatabase.create();
    host = await CommandHost.create(database);
  });
  afterAll(async () => {
    await host.remove();
    await other.close();
    await database.close();
  });
  afterEach(() => database.query('DROP SCHEMA IF EXISTS probe CASCADE'));
  afterEach(() => other.query('DROP SCHEMA IF EXISTS probe CASCADE'));

  const none = { DATABASE_URL: '' };
  const PROBE = ['ensure', '--schema', 'probe', '--create-schema'];
  /** Makes a schema by the command, to see in which database it did. */
  const probe = (args: string[] = [], options: Parameters<CommandHost['run']>[1] = {}) =>
    host.run([...PROBE, ...args], options);
  const isIn = async (place: TestDatabase) => (await schemaNames(place)).includes('probe');

  async function withConfig<T>(name: string, content: string, use: () => Promise<T>): Promise<T> {
    await host.write(name, content);
    try {
      return await use();
    } finally {
      await host.remove(name);
    }
  }
  const define = (members: string) =>
    `import { definePrismiqConfig } from '@prismiq/nestjs';\nexport default definePrismiqConfig({ ${members} });`;

  it('works without a file, on DATABASE_URL', async () => {
    expect(await probe()).toMatchObject({ code: 0 });
    expect(await isIn(database)).toBe(true);
  });

  it('asks for a database if none is named', async () => {
    const { code, stderr } = await probe([], { env: none });
    expect(stderr).toMatch(/^Error: Which database\? Set DATABASE_URL, give --database-url postgres:/);
    expect(code).toBe(2);
  });

  it.each(['prismiq.config.ts', 'prismiq.config.mts', 'prismiq.config.js', 'prismiq.config.mjs'])(
    'finds %s in a folder above',
    async (name) => {
      await host.write('deep/down/.keep', '');
      await withConfig(name, define(`database: '${other.url}'`), async () => {
        expect(await probe([], { env: none, folder: 'deep/down' })).toMatchObject({ code: 0 });
      });
      expect(await isIn(other)).toBe(true);
    },
  );

  it.each(['module', 'commonjs'])(
    'loads TypeScript as MikroORM configurations are written: decorators, enums, .js for .ts (%s)',
    async (type) => {
      await host.write('package.json', JSON.stringify({ type }));
      await host.write(
        'src/kind.ts',
        `import { Injectable } from '@nestjs/common';
         export enum Kind { Simple = 'simple' }
         @Injectable() export class Service { constructor(private readonly kind: Kind) {} }`,
      );
      await host.write(
        'src/mikro-orm.config.ts',
        `import { defineConfig, type Options } from '@mikro-orm/postgresql';
         import { Kind } from './kind.js';
         const options: Options = { clientUrl: '${other.url}', entities: [], discovery: { warnWhenNoEntities: false } };
         export default defineConfig({ ...options, applicationName: Kind.Simple } as Options);`,
      );
      const config = `import mikroOrm from './src/mikro-orm.config.js';\n${define('database: mikroOrm')}`;
      await withConfig('prismiq.config.ts', config, async () => {
        expect(await host.spawn(PROBE, { env: none })).toMatchObject({ code: 0 });
      });
      expect(await isIn(other)).toBe(true);
      await host.write('package.json', '{ "type": "module" }');
    },
  );

  it('takes relative paths from the folder of the file', async () => {
    await host.write(
      'tenant-migrations/shop_0001.js',
      `import { Migration } from '@mikro-orm/migrations';
       export class First extends Migration { up() { this.addSql('SELECT 1'); } }`,
    );
    await host.write('deep/down/.keep', '');
    const config = `import { hostMigrations, tenantsFromList } from '@prismiq/nestjs';
      export default {
        directory: tenantsFromList(['acme']),
        migrations: [hostMigrations({ path: './tenant-migrations' })],
      };`;
    await withConfig('prismiq.config.ts', config, async () => {
      const { events } = await host.run(['plan', '--json'], { folder: 'deep/down' });
      expect(events).toMatchObject([{ type: 'plan', groups: [{ migrations: [{ name: 'shop_0001' }] }] }]);
    });
  });

  it('loads a configuration compiled to CommonJS', async () => {
    const config = `Object.defineProperty(exports, '__esModule', { value: true });
      exports.default = { database: '${other.url}' };`;
    await host.write('dist/package.json', '{ "type": "commonjs" }');
    await host.write('dist/prismiq.config.js', config);
    expect(await probe(['--config', 'dist/prismiq.config.js'], { env: none })).toMatchObject({ code: 0 });
    expect(await isIn(other)).toBe(true);
  });

  it.each([
    ['a MikroORM instance', `new MikroORM({ clientUrl: url, entities: [], discovery: { warnWhenNoEntities: false } })`],
    ['a function that gives options', `async () => ({ clientUrl: url })`],
    ['a function that gives a connection string', `() => url`],
  ])('takes %s as `database`', async (_, expression) => {
    const config = `import { MikroORM } from '@mikro-orm/postgresql';\nconst url = '${other.url}';\n${define(`database: ${expression}`)}`;
    await withConfig('prismiq.config.ts', config, async () => {
      expect(await probe([], { env: none })).toMatchObject({ code: 0 });
    });
    expect(await isIn(other)).toBe(true);
  });

  it('does not create a database that does not exist', async () => {
    const url = other.url.replace(other.name, 'prismiq_stray');
    await withConfig('prismiq.config.ts', define(`database: { clientUrl: '${url}' }`), async () => {
      expect(await probe([], { env: none })).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('prismiq_stray'),
      });
    });
    expect(await database.query(`SELECT 1 FROM pg_database WHERE datname = 'prismiq_stray'`)).toEqual([]);
  });

  describe('precedence', () => {
    const nowhere = 'postgres://127.0.0.1:1/nowhere';

    it('is: a flag, PRISMIQ_DATABASE_URL, DATABASE_URL, the file', async () => {
      for (const [file, env, flag] of [
        [nowhere, { DATABASE_URL: nowhere, PRISMIQ_DATABASE_URL: nowhere }, ['--database-url', other.url]],
        [nowhere, { DATABASE_URL: nowhere, PRISMIQ_DATABASE_URL: other.url }, []],
        [nowhere, { DATABASE_URL: other.url }, []],
        [other.url, none, []],
      ] as const) {
        for (const form of [`'${file}'`, `{ clientUrl: '${file}', dbName: 'nowhere', host: '127.0.0.1', port: 1 }`]) {
          if (file === other.url && form.startsWith('{')) continue;
          await withConfig('prismiq.config.mjs', define(`database: ${form}`), async () => {
            expect(await probe([...flag], { env })).toMatchObject({ code: 0 });
          });
          expect(await isIn(other)).toBe(true);
          await other.query('DROP SCHEMA probe CASCADE');
        }
      }
    });

    it('leaves a MikroORM instance as it is: DATABASE_URL is ignored, and a flag is refused', async () => {
      const config = `import { MikroORM } from '@mikro-orm/postgresql';\n${define(
        `database: new MikroORM({ clientUrl: '${other.url}', entities: [], discovery: { warnWhenNoEntities: false } })`,
      )}`;
      await withConfig('prismiq.config.mjs', config, async () => {
        expect(await probe()).toMatchObject({ code: 0 });
        expect(await isIn(other)).toBe(true);
        expect(await probe(['--database-url', database.url])).toMatchObject({
          code: 2,
          stderr: expect.stringContaining('cannot change the database of a MikroORM that exists already'),
        });
      });
    });

    it('is: --config, PRISMIQ_CONFIG, the file that is found', async () => {
      const file = (url: string) => define(`database: '${url}'`);
      await host.write('a.config.mjs', file(other.url));
      await host.write('b.config.mjs', file(nowhere));
      await withConfig('prismiq.config.mjs', file(nowhere), async () => {
        const env = { ...none, PRISMIQ_CONFIG: 'b.config.mjs' };
        expect(await probe(['--config', 'a.config.mjs'], { env })).toMatchObject({ code: 0 });
        expect(await probe([], { env: { ...none, PRISMIQ_CONFIG: 'a.config.mjs' } })).toMatchObject({ code: 0 });
      });
      expect(await isIn(other)).toBe(true);
    });
  });

  it.each([
    ['export default 7;', 'must export an object by default'],
    ['export const config = {};', 'exports nothing by default. Write: export default definePrismiqConfig('],
    ['import "./absent.mjs"; export default {};', 'cannot be loaded: '],
    [`export default { ring: ['a'] };`, 'option `ring` is unknown. Did you mean `rings`?'],
    [`export default { colour: true };`, 'option `colour` is unknown. Known are database, directory, schemaFor,'],
    [`export default { database: 7 };`, 'option `database` must be the options of your MikroORM, a MikroORM instance,'],
    [`export default { database: () => { throw new Error('no vault') } };`, '`database` in'],
    [`export default { database: async () => { throw new Error('no vault') } };`, 'failed: no vault'],
    [`export default { database: { extensions: 7 } };`, 'is refused by MikroORM: '],
    [`export default { database: 'localhost' };`, 'must be a URL such as postgres://user:password@host:5432/database.'],
    [`export default { directory: ['acme'] };`, 'option `directory` must be a TenantDirectory'],
    [`export default { schemaFor: 'tenant_' };`, 'option `schemaFor` must be a function'],
    [`export default { migrations: [{}] };`, 'option `migrations` must be an array of what prismiqMigrations() and'],
    [`export default { rings: 'canary' };`, 'option `rings` must be an array of names'],
    [`export default { concurrency: 0 };`, 'option `concurrency` must be a whole number from 1'],
    [
      `export default { lockTimeoutMs: '3s' };`,
      'option `lockTimeoutMs` must be a whole number from 1, in milliseconds',
    ],
    [`export default { onError: 'go on' };`, 'option `onError` must be "stop" or "continue"'],
    [`export default { betweenRings: 5000 };`, 'option `betweenRings` must be a function'],
  ])('refuses %j', async (content, message) => {
    await withConfig('prismiq.config.mjs', content, async () => {
      const { code, stdout, stderr } = await probe([], { env: none });
      expect(stderr).toContain('prismiq.config.mjs');
      expect(stderr).toContain(message);
      expect(stderr).not.toMatch(/^ +at /m);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    });
  });

  it('refuses a file that does not exist, and two files in one folder', async () => {
    expect(await probe(['--config', 'absent.ts'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^Error: There is no configuration file .*absent\.ts\. Check --config/),
    });
    await host.write('prismiq.config.js', 'export default {};');
    await withConfig('prismiq.config.mjs', 'export default {};', async () => {
      expect(await probe()).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('Delete one, or name the one to use'),
      });
    });
    await host.remove('prismiq.config.js');
  });

  it('keeps the log output of a configuration out of the results', async () => {
    await withConfig('prismiq.config.mjs', `console.log('hello from the host'); ${define('')}`, async () => {
      const { stdout, stderr, events } = await probe(['--json']);
      expect(events).toEqual([{ type: 'ensured', schema: 'probe', created: true }]);
      expect(stdout).not.toContain('hello');
      expect(stderr).toContain('hello from the host');
    });
  });
});
