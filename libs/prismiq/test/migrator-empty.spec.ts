import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  hostMigrations,
  InvalidOptionsError,
  NoTenantsError,
  prismiqMigrations,
  TenantSelectionError,
} from '@prismiq/nestjs';
import { schemaNames } from '../../../test/support/catalog.js';
import { TestDatabase } from '../../../test/support/test-database.js';
import { CURRENCY, Fleet, ORDERS, withHost } from './support/fleet.js';

/** A run without tenants or migrations is not reported as success. */
describe('a run without work', () => {
  let database: TestDatabase;
  let folder: string;
  beforeAll(async () => {
    database = await TestDatabase.create();
    folder = join(process.cwd(), '.data', `migrations-${database.name}`);
    await mkdir(join(folder, 'empty'), { recursive: true });
    await mkdir(join(folder, 'other'), { recursive: true });
    await writeFile(join(folder, 'other', '0001_nothing.js'), 'export const nothing = 1;');
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
    await database.close();
  });

  const calls = (migrator: ReturnType<Fleet['migrator']>) =>
    [
      ['up', () => migrator.up()],
      ['down', () => migrator.down({ source: 'prismiq', steps: 1 })],
      ['status', () => migrator.status()],
      ['plan', () => migrator.plan()],
      ['verify', () => migrator.verify()],
    ] as const;

  it.each([
    ['missing', /hostMigrations: option `migrations` has no migrations in .*missing .*the folder is missing or empty/],
    ['empty', /has no migrations in .*empty .*`migrationsList: \[\]`/],
    ['other', /finds no migration in .*0001_nothing\.js: it exports no class/],
  ])('is refused if the folder of the migrations is %s', async (name, message) => {
    const migrations = [prismiqMigrations(), hostMigrations({ path: join(folder, name) })];
    const fleet = new Fleet(database, `folder_${name}`, 2);
    for (const [, call] of calls(fleet.migrator({ migrations }))) {
      await expect(call()).rejects.toThrow(InvalidOptionsError);
      await expect(call()).rejects.toThrow(message);
    }
    expect(await schemaNames(database)).not.toContain(fleet.schemas[0]);
  });

  it('is refused without any list of migrations', () => {
    expect(() => new Fleet(database, 'none', 1).migrator({ migrations: [] })).toThrow(/`migrations` must not be empty/);
  });

  it('is refused if the directory has no tenants, unless that is allowed', async () => {
    const migrator = new Fleet(database, 'nobody', 0).migrator();
    for (const [, call] of calls(migrator)) {
      await expect(call()).rejects.toThrow(NoTenantsError);
    }
    await expect(migrator.tenants()).rejects.toThrow(/allowEmpty: true/);
    expect(await migrator.up({ allowEmpty: true })).toMatchObject({ total: 0, stopped: undefined });
    expect(await migrator.status({ allowEmpty: true })).toMatchObject({ total: 0, upToDate: true });
    expect(await migrator.tenants({ allowEmpty: true })).toEqual([]);
  });

  it('is refused if no tenant meets all conditions', async () => {
    const migrator = new Fleet(database, 'rings', [
      { tenantId: 'acme', ring: 'canary' },
      { tenantId: 'globex' },
    ]).migrator();
    await expect(migrator.up({ tenants: ['globex'], rings: ['canary'] })).rejects.toThrow(TenantSelectionError);
    await expect(migrator.up({ tenants: ['globex'], rings: ['canary'], allowEmpty: true })).rejects.toThrow(
      /no tenant of the directory meets all conditions/,
    );
  });

  it('distinguishes recorded migrations that no list has from those of a newer version', async () => {
    const fleet = new Fleet(database, 'lost', 1);
    await fleet.migrator({ migrations: withHost(ORDERS, CURRENCY) }).up({ createSchema: true });
    const newer = await fleet.migrator({ migrations: withHost(ORDERS) }).status();
    expect(newer).toMatchObject({ upToDate: true, groups: [{ unknown: ['host:0002_currency'] }], drifted: [] });
    for (const migrations of [withHost(CURRENCY), withHost()]) {
      const lost = await fleet.migrator({ migrations }).status();
      expect(lost).toMatchObject({ upToDate: false, groups: [] });
      expect(lost.drifted[0]!.message).toMatch(/in no list of migrations: host:0001_orders.*Check the `path`/);
      expect((await fleet.migrator({ migrations }).verify()).findings).toHaveLength(1);
    }
  });

  it('is reported by verify, whose tenants may match an older version, or have no tables', async () => {
    const fleet = new Fleet(database, 'behind', 2);
    await database.query('CREATE SCHEMA behind_000');
    await fleet.migrator().up({ tenants: ['001'], createSchema: true });
    expect(await fleet.migrator().verify()).toEqual({ total: 2, behind: 1, findings: [] });
  });
});
