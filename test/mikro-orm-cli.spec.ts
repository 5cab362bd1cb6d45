import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  ensureTables,
  hostMigrations,
  PRISMIQ_HISTORY_TABLE,
  prismiqMigrations,
  TenantMigrator,
  tenantsFromList,
  verifyTables,
} from '@prismiq/nestjs';
import { describeCatalog, schemaNames } from './support/catalog.js';
import { TABLES_MD } from './support/tables-md.js';
import { TestDatabase } from './support/test-database.js';

const run = promisify(execFile);
const CLI = join(process.cwd(), 'node_modules/@mikro-orm/cli/cli.js');

/** A host that manages its schema with MikroORM's own command; it uses the package as it is built. */
describe('the MikroORM CLI in a host', () => {
  let database: TestDatabase;
  let host: string;

  beforeAll(async () => {
    database = await TestDatabase.create();
    host = join(process.cwd(), '.data', database.name);
    await mkdir(host, { recursive: true });
    await writeFile(
      join(host, 'package.json'),
      '{ "type": "module", "devDependencies": { "@mikro-orm/cli": "7.2.1" } }',
    );
    await writeFile(join(host, 'tsconfig.json'), '{}'); // which tsx, MikroORM's loader here, wants to find
  });
  afterAll(async () => {
    await database.close();
    await rm(host, { recursive: true });
  });

  const configure = (name: string, imports: string, entities: string, migrations: string) =>
    writeFile(
      join(host, name),
      `import { defineConfig, defineEntity, p } from '@mikro-orm/postgresql';
       import { Migrator } from '@mikro-orm/migrations';
       ${imports}
       const Order = defineEntity({ name: 'Order', tableName: 'orders', schema: '*', properties: { id: p.integer().primary(), total: p.integer() } });
       export default defineConfig({
         clientUrl: '${database.url}',
         entities: ${entities},
         extensions: [Migrator],
         migrations: ${migrations},
       });`,
    );
  const cli = async (config: string, ...args: string[]) =>
    (
      await run(process.execPath, [CLI, ...args, '--config', join(host, config)], {
        cwd: host,
        env: { ...process.env, NO_COLOR: '1' },
      })
    ).stdout;

  it('generates a migration with our tables and its own, applies it to a tenant, and takes it back', async () => {
    await configure(
      'generate.config.js',
      `import { PRISMIQ_ENTITIES } from '@prismiq/nestjs';`,
      '[Order, ...PRISMIQ_ENTITIES]',
      `{ path: 'migrations', emit: 'cjs', includeWildcardSchema: true, snapshot: false }`,
    );
    expect(await cli('generate.config.js', 'migration:create')).toContain('successfully created');
    const [file] = await readdir(join(host, 'migrations'));
    const source = await readFile(join(host, 'migrations', file!), 'utf8');
    expect(source).toMatch(/create table "orders"/);
    expect(source).toMatch(/create table "prismiq_dashboards"/);

    expect(await cli('generate.config.js', 'migration:up', '--schema', 'tenant_one')).toContain(
      'Successfully migrated',
    );
    const ours = (await describeCatalog(database, 'tenant_one')).filter(
      (line) => !line.includes('orders') && !line.includes('mikro_orm_migrations'),
    );
    expect(ours).toEqual(TABLES_MD);
    expect(await verifyTables(database.pool, { schema: 'tenant_one' })).toEqual([]);
    // The runner of this package can take over.
    expect(await ensureTables(database.pool, { schema: 'tenant_one' })).toEqual({
      schema: 'tenant_one',
      created: true,
    });

    await cli('generate.config.js', 'migration:down', '--schema', 'tenant_one');
    expect((await describeCatalog(database, 'tenant_one')).filter((line) => line.includes('prismiq'))).toEqual([]);
    expect((await describeCatalog(database, 'public')).filter((line) => line.includes('prismiq'))).toEqual([]);
  });

  it('runs our migrations, and finds nothing to do after ensureTables', async () => {
    await configure(
      'list.config.js',
      `import { PRISMIQ_HISTORY_TABLE, PRISMIQ_MIGRATIONS } from '@prismiq/nestjs/migrations';`,
      '[Order]',
      `{ migrationsList: [...PRISMIQ_MIGRATIONS], tableName: PRISMIQ_HISTORY_TABLE, includeWildcardSchema: true, snapshot: false }`,
    );
    await ensureTables(database.pool, { schema: 'tenant_two', createSchema: true });
    const history = () => database.query(`SELECT * FROM tenant_two.${PRISMIQ_HISTORY_TABLE} ORDER BY id`);
    const before = await history();
    await cli('list.config.js', 'migration:up', '--schema', 'tenant_two');
    expect(await history()).toEqual(before);

    await cli('list.config.js', 'migration:up', '--schema', 'tenant_three');
    expect(await describeCatalog(database, 'tenant_three')).toEqual(TABLES_MD);
    expect(await ensureTables(database.pool, { schema: 'tenant_three' })).toMatchObject({ created: false });
    await cli('list.config.js', 'migration:down', '--schema', 'tenant_three', '--to', '0');
    expect(await describeCatalog(database, 'tenant_three')).toEqual([]);
    expect(await schemaNames(database)).toContain('public');
    expect(await describeCatalog(database, 'public')).toEqual([]);
  });

  it('and TenantMigrator find nothing to do after each other, on our migrations and on the host’s', async () => {
    const orders = `import { Migration } from '@mikro-orm/migrations';
      export class Orders extends Migration { up() { this.addSql('create table orders (id int primary key, total int)'); } }`;
    await mkdir(join(host, 'tenant-migrations'), { recursive: true });
    await writeFile(join(host, 'tenant-migrations/Migration20260101000000_orders.js'), orders);
    const path = join(host, 'tenant-migrations');
    await configure(
      'prismiq.config.js',
      `import { PRISMIQ_HISTORY_TABLE, PRISMIQ_MIGRATIONS } from '@prismiq/nestjs/migrations';`,
      '[Order]',
      `{ migrationsList: [...PRISMIQ_MIGRATIONS], tableName: PRISMIQ_HISTORY_TABLE, includeWildcardSchema: true, snapshot: false }`,
    );
    await configure(
      'host.config.js',
      '',
      '[Order]',
      `{ path: '${path}', includeWildcardSchema: true, snapshot: false }`,
    );
    const migrator = new TenantMigrator({
      database: database.pool,
      directory: tenantsFromList(['four', 'five', 'six'].map((tenantId) => ({ tenantId }))),
      migrations: [prismiqMigrations(), hostMigrations({ path })],
    });
    const histories = async (schema: string) => ({
      prismiq: await database.query(`SELECT * FROM ${schema}.prismiq_migrations ORDER BY id`),
      host: await database.query(`SELECT * FROM ${schema}.mikro_orm_migrations ORDER BY id`),
    });
    const run = async (command: string, schema: string) => {
      await cli('prismiq.config.js', command, '--schema', schema);
      await cli('host.config.js', command, '--schema', schema);
    };

    await migrator.up({ tenants: ['four'], createSchema: true });
    const ours = await histories('tenant_four');
    expect(ours.host).toMatchObject([{ name: 'Migration20260101000000_orders' }]);
    await run('migration:up', 'tenant_four');
    expect(await histories('tenant_four')).toEqual(ours);

    await run('migration:up', 'tenant_five');
    const theirs = await histories('tenant_five');
    expect((await migrator.up({ tenants: ['five'] })).counts).toMatchObject({ unchanged: 1 });
    expect(await histories('tenant_five')).toEqual(theirs);
    const tables = async (schema: string) =>
      (await describeCatalog(database, schema)).filter((line) => !line.includes('mikro_orm_migrations'));
    expect(await tables('tenant_five')).toEqual(await tables('tenant_four'));

    // One step by each: the other continues from there.
    await migrator.up({ tenants: ['six'], to: 'prismiq_0001_tables', createSchema: true });
    await run('migration:up', 'tenant_six');
    await cli('prismiq.config.js', 'migration:down', '--schema', 'tenant_six');
    expect((await migrator.up({ tenants: ['six'] })).counts).toMatchObject({ migrated: 1 });
    expect((await describeCatalog(database, 'tenant_six')).filter((line) => line.includes('prismiq'))).toEqual(
      TABLES_MD,
    );
  });
});
