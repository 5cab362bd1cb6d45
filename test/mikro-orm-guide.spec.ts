import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ensureTables, verifyTables } from '@prismiq/nestjs';
import { TestDatabase } from './support/test-database.js';

const run = promisify(execFile);
const CLI = join(process.cwd(), 'node_modules/@mikro-orm/cli/cli.js');

/** The README's configuration, and the commands below it. */
async function readGuide() {
  const readme = await readFile('libs/prismiq/README.md', 'utf8');
  const [, config, commands] = /```ts\n(\/\/ mikro-orm\.config\.ts\n.*?)```\n\n((?: {4}npx mikro-orm .*\n)+)/s.exec(
    readme,
  )!;
  return { config: config!, commands: commands!.match(/(?<=mikro-orm ).*/g)!.map((command) => command.split(' ')) };
}

/** A host that follows the README's section on migrations that MikroORM generates, with the package as it is built. */
describe.each(['module', 'commonjs'])(
  'the guide to migrations that MikroORM generates, in a host of type %s',
  (type) => {
    let database: TestDatabase;
    let host: string;

    beforeAll(async () => {
      database = await TestDatabase.create();
      host = join(process.cwd(), '.data', database.name);
      await mkdir(join(host, 'src'), { recursive: true });
      const devDependencies = { '@mikro-orm/cli': '7.2.1' };
      await writeFile(join(host, 'package.json'), JSON.stringify({ type, devDependencies }));
      await writeFile(join(host, 'tsconfig.json'), JSON.stringify({ compilerOptions: { module: 'nodenext' } }));
    });
    afterAll(async () => {
      await database.close();
      await rm(host, { recursive: true });
    });

    const writeOrder = (properties: string) =>
      writeFile(
        join(host, 'src/order.entity.ts'),
        `import { defineEntity, p } from '@mikro-orm/postgresql';
       export const Order = defineEntity({ name: 'Order', tableName: 'orders', schema: '*', properties: { ${properties} } });`,
      );
    const cli = async (args: string[]) => {
      const env = { ...process.env, NO_COLOR: '1', MIKRO_ORM_CLIENT_URL: database.url };
      return (await run(process.execPath, [CLI, ...args], { cwd: host, env })).stdout;
    };
    const migrations = async () => {
      const folder = join(host, 'src/migrations');
      const files = (await readdir(folder)).filter((file) => file.endsWith('.ts')).toSorted();
      return Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
    };
    const columns = async () =>
      (
        await database.query<{ name: string }>(
          `SELECT attname AS name FROM pg_attribute WHERE attrelid = 'tenant_acme.orders'::regclass AND attnum > 0`,
        )
      ).map(({ name }) => name);

    it('can be followed twice: create, up, change an entity, create, up', async () => {
      const { config, commands } = await readGuide();
      const [create, up] = commands;
      expect(commands).toEqual([['migration:create'], ['migration:up', '--schema', 'tenant_acme']]);
      await writeFile(join(host, 'mikro-orm.config.ts'), config);
      await writeOrder('id: p.integer().primary(), total: p.integer()');
      expect(await cli(create!)).toContain('successfully created');
      expect(await cli(up!)).toContain('Successfully migrated');
      expect(await columns()).toEqual(['id', 'total']);
      expect(await verifyTables(database.pool, { schema: 'tenant_acme' })).toEqual([]);
      await ensureTables(database.pool, { schema: 'tenant_acme' }); // records the history beside MikroORM's

      await writeOrder('id: p.integer().primary(), total: p.integer(), note: p.string().nullable()');
      expect(await cli(create!)).toContain('successfully created');
      const [, second] = await migrations();
      const statements = second!.match(/(?<=addSql\(`).*(?=`\))/g);
      expect(statements).toEqual([
        'alter table "orders" add "note" varchar(255) null;',
        'alter table "orders" drop column "note";',
      ]);
      expect(await cli(up!)).toContain('Successfully migrated');
      expect(await columns()).toEqual(['id', 'total', 'note']);
      expect(await verifyTables(database.pool, { schema: 'tenant_acme' })).toEqual([]);
      expect(await cli(create!)).toContain('No changes required');
    });
  },
);

it('the package installs no jiti under its own name, which MikroORM would take for its loader', async () => {
  const { dependencies } = JSON.parse(await readFile('libs/prismiq/package.json', 'utf8'));
  expect(Object.keys(dependencies)).not.toContain('jiti');
});
