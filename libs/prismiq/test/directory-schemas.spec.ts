import { randomUUID } from 'node:crypto';
import type { INestApplication } from '@nestjs/common';
import fc from 'fast-check';
import {
  ensureTables,
  InvalidOptionsError,
  PrismiqModule,
  TenantContext,
  TenantDirectoryError,
  TenantMigrator,
  TenantNotFoundError,
  TenantRegistry,
  tenantsFromCatalog,
  tenantsFromList,
  tenantsFromQuery,
  type PrismiqModuleOptions,
  type SchemaFor,
  type TenantEntry,
} from '@prismiq/nestjs';
import { TestDatabase } from '../../../test/support/test-database.js';
import { boot, ormModule } from './support/host.js';

const withUnderscores: SchemaFor = (id) => `tenant_${id.replaceAll('-', '_')}`;

describe('tenant ids and schemas', () => {
  let database: TestDatabase;
  let app: INestApplication | undefined;

  beforeAll(async () => {
    database = await TestDatabase.create();
    await ensureTables(database.pool, { schema: 'tenant_a_b', createSchema: true });
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });
  afterAll(() => database.close());

  const start = async (options: PrismiqModuleOptions) => {
    app = await boot({ imports: [ormModule(database), PrismiqModule.forRoot(options)] });
    return { registry: app.get(TenantRegistry), tenants: app.get(TenantContext) };
  };
  const listed = async (registry: TenantRegistry) => {
    const tenants = [];
    for await (const tenant of registry.list()) {
      tenants.push(tenant);
    }
    return tenants;
  };

  describe('in the catalog', () => {
    const refused: [string, SchemaFor][] = [
      ['replaces dashes', withUnderscores],
      ['replaces dashes of UUIDs alone', (id) => `t_${uuid(id).replaceAll('-', '_')}`],
      ['removes dashes', (id) => `tenant_${id.replaceAll('-', '')}`],
      ['replaces all that no schema name has', (id) => `tenant_${id.replaceAll(/\W/g, '_')}`],
      ['folds case', (id) => `tenant_${id.toLowerCase()}`],
      ['trims', (id) => `tenant_${id.trim()}`],
      ['cuts', (id) => `tenant_${id.slice(0, 56)}`],
      ['drops leading zeros', (id) => `tenant_${id.replace(/^0+/, '')}`],
      ['normalises', (id) => `tenant_${id.normalize()}`],
      ['squeezes', (id) => `tenant_${id.replaceAll(/_+/g, '_')}`],
      ['names the id twice', (id) => `${id}_${id}`],
      ['accepts no id', () => uuid('none')],
    ];

    it.each(refused)('a schemaFor that %s is refused at start, with the ways out', async (_, schemaFor) => {
      const boot = start({ schemaFor });
      await expect(boot).rejects.toThrow(InvalidOptionsError);
      await expect(boot).rejects.toThrow(
        /`schemaFor` changes ids.*tenantsFromCatalog\({ tenantIdFor.*tenantsFromQuery.*a prefix and a suffix/,
      );
      expect(() => new TenantMigrator({ database: database.pool, schemaFor })).toThrow(InvalidOptionsError);
    });

    const accepted: [string, SchemaFor][] = [
      ['puts something before it', (id) => `tenant_${id}`],
      ['puts something around it', (id) => `org_${id}_data`],
      ['is the id', (id) => id],
      ['refuses other ids', (id) => `tenant_${/^\w{1,40}$/.test(id) ? id : uuid('none')}`],
      ['takes numbers alone', (id) => `tenant_${/^\d+$/.test(id) ? id : uuid('none')}`],
    ];

    it.each(accepted)('a schemaFor that %s leads from each id to its schema and back', async (_, schemaFor) => {
      const { registry } = await start({ schemaFor });
      const schema = schemaFor('4711');
      await ensureTables(database.pool, { schema, createSchema: true });
      expect(await listed(registry)).toContainEqual(expect.objectContaining({ tenantId: '4711', schema }));
      expect(await registry.find('4711')).toMatchObject({ schema });
      await database.query(`DROP SCHEMA "${schema}" CASCADE`);
    });

    it('listed ids are found ids, whatever schemaFor does to them', async () => {
      // Gives "org-7" the schema of "7", which trying it does not tell.
      const { registry, tenants } = await start({ schemaFor: (id) => `odd_${id.replace(/^org-/, '')}` });
      await ensureTables(database.pool, { schema: 'odd_7', createSchema: true });
      const ids = (await listed(registry)).map(({ tenantId }) => tenantId);
      expect(ids).toEqual(['7']);
      expect(await registry.find('7')).toMatchObject({ schema: 'odd_7' });
      await expect(tenants.runInTenant('org-7', () => 1)).rejects.toThrow(TenantNotFoundError);
    });

    it('an inverse that does not lead back is refused at start', async () => {
      const schema = (tenantIdFor: (schema: string) => string) => ({
        schemaFor: withUnderscores,
        directory: tenantsFromCatalog({ tenantIdFor }),
      });
      await expect(start(schema((name) => name.slice('tenant_'.length)))).rejects.toThrow(
        /`tenantIdFor` is not the inverse of `schemaFor`, which turns the id "3f2b8c1e-.*" into "tenant_3f2b8c1e_/,
      );
    });

    it('rows of a tenant with a UUID are where its requests see them', async () => {
      const { tenants } = await start({
        schemaFor: withUnderscores,
        directory: tenantsFromCatalog({
          tenantIdFor: (schema) => schema.slice('tenant_'.length).replaceAll('_', '-'),
        }),
      });
      const id = randomUUID();
      await ensureTables(database.pool, { schema: withUnderscores(id), createSchema: true });
      const seen: string[] = [];
      await tenants.forEachTenant(({ tenantId }) => seen.push(tenantId));
      expect(seen).toEqual(expect.arrayContaining([id, 'a-b']));
      expect(seen).not.toContain('a_b');
    });
  });

  describe('of two tenants that would share a schema by accident', () => {
    it('are refused at start in a list', async () => {
      const twins = start({ schemaFor: withUnderscores, directory: tenantsFromList(['a-b', 'c', 'a_b']) });
      await expect(twins).rejects.toThrow(InvalidOptionsError);
      await expect(twins).rejects.toThrow(/"a-b" and "a_b", to which `schemaFor` gives the same schema "tenant_a_b"/);
    });

    it.each([
      ['a query', tenantsFromQuery(`SELECT unnest('{a-b,a_b,c}'::text[]) AS "tenantId"`)],
      [
        'a directory of the host',
        {
          find: (tenantId: string) => (['a-b', 'a_b'].includes(tenantId) ? { tenantId } : undefined),
          list: () => ['a-b', 'a_b', 'c'].map((tenantId) => ({ tenantId })),
        },
      ],
    ])('are told when %s is listed, and when the second is looked up', async (_, directory) => {
      const { registry, tenants } = await start({ schemaFor: withUnderscores, directory });
      const all = await listed(registry);
      expect(all.map(({ state }) => state)).toEqual(['active', 'invalid', 'active']);
      expect(all[1]).toMatchObject({ error: { message: expect.stringMatching(/the same schema "tenant_a_b"/) } });
      expect(await tenants.runInTenant('a_b', () => tenants.require().schema)).toBe('tenant_a_b');
      await expect(tenants.runInTenant('a-b', () => 1)).rejects.toThrow(TenantDirectoryError);
      await expect(tenants.runInTenant('a-b', () => 1)).rejects.toThrow(
        /"a_b" and "a-b", to which `schemaFor` gives the same schema/,
      );
    });

    it('are not, once the first is gone', async () => {
      const entries = new Map([['a-b', { tenantId: 'a-b' } as TenantEntry]]);
      const { registry, tenants } = await start({
        schemaFor: withUnderscores,
        directory: { find: (id) => entries.get(id), list: () => entries.values() },
      });
      await tenants.runInTenant('a-b', () => 1);
      entries.clear();
      entries.set('a_b', { tenantId: 'a_b' });
      expect(await registry.find('a_b')).toMatchObject({ schema: 'tenant_a_b' });
    });
  });

  describe('of tenants that share a schema on purpose', () => {
    const shard: SchemaFor = (id) => `shard_${[...id].reduce((sum, c) => (sum * 31 + c.codePointAt(0)!) % 97, 7)}`;

    it.each([
      ['all of them', () => 'everybody'],
      ['those of a shard', shard],
    ] as [string, SchemaFor][])('by schemaFor, %s, are left in peace', async (_, schemaFor) => {
      const ids = Array.from({ length: 300 }, (_, index) => `t${index}`);
      const { registry } = await start({ schemaFor, directory: tenantsFromList(ids) });
      expect((await listed(registry)).map(({ state }) => state)).toEqual(ids.map(() => 'active'));
      for (const id of ids) {
        expect(await registry.find(id)).toMatchObject({ schema: schemaFor(id) });
      }
    });

    it('because the directory names it, are accepted', async () => {
      const schema = 'tenant_a_b';
      const { registry } = await start({
        directory: tenantsFromList(['a_b', { tenantId: 'a-b', schema }, { tenantId: 'b-a', schema }]),
      });
      expect((await listed(registry)).map(({ state }) => state)).toEqual(['active', 'active', 'active']);
      expect(await registry.find('a_b')).toMatchObject({ schema });
      expect(await registry.find('a-b')).toMatchObject({ schema });
      expect(await registry.find('b-a')).toMatchObject({ schema });
    });
  });

  it('never give two tenants one schema, whatever is looked up when', async () => {
    const id = fc.stringMatching(/^[ab_-]{1,4}$/);
    const { registry } = await start({
      schemaFor: withUnderscores,
      directory: { find: (tenantId) => ({ tenantId }), list: () => [] },
    });
    const owners = new Map<string, string>();
    await fc.assert(
      fc.asyncProperty(id, async (tenantId) => {
        const record = await registry.find(tenantId).catch(() => undefined);
        if (record !== undefined) {
          expect(owners.get(record.schema) ?? tenantId).toBe(tenantId);
          owners.set(record.schema, tenantId);
        }
      }),
      { numRuns: 300 },
    );
  });
});

function uuid(id: string): string {
  if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(id)) {
    throw new TypeError('no UUID');
  }
  return id;
}
