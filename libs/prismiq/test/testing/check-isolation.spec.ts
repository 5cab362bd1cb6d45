import {
  Body,
  ConflictException,
  Controller,
  Delete,
  Get,
  Headers,
  Inject,
  Param,
  Patch,
  Post,
  UseGuards,
  UseInterceptors,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { PrismiqModule, TenantContext, TenantInterceptor, type Tenant } from '@prismiq/nestjs';
import { checkIsolation, TestTenants, type IsolationRequest, type TestTenant } from '@prismiq/nestjs/testing';
import { suiteGuard } from '../../../../test/support/sql-guard.js';
import { TestDatabase } from '../../../../test/support/test-database.js';
import { bearer, boot, ormModule, PLATFORMS, resolver, TokenGuard } from '../support/host.js';

// The hosts of this file leak on purpose.
suiteGuard.stop();

const ID = '00000000-0000-4000-8000-00000000000';

type Owner = Pick<Tenant, 'tenantId' | 'schema'>;

/** A host's routes for its own table, as they should be. */
@Controller('orders')
@UseGuards(TokenGuard)
@UseInterceptors(TenantInterceptor)
class OrdersController {
  constructor(
    @Inject(MikroORM) protected readonly orm: MikroORM,
    @Inject(TenantContext) protected readonly tenants: TenantContext,
  ) {}

  protected query(sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    return this.orm.em.fork().execute(sql, values);
  }

  protected async schemas(): Promise<string[]> {
    return (await this.query(`SELECT schemaname AS name FROM pg_tables WHERE tablename = 'orders'`)).map(({ name }) =>
      String(name),
    );
  }

  @Get()
  list(owner: object = this.tenants.require()) {
    const { schema, tenantId } = owner as Owner;
    return this.query(`SELECT * FROM ${schema}.orders WHERE tenant_id = ?`, [tenantId]);
  }

  @Patch(':id')
  async update(@Param('id') id: string, @Body() { note }: { note: string }) {
    const { schema, tenantId } = this.tenants.require();
    await this.query(`UPDATE ${schema}.orders SET note = ? WHERE id = ? AND tenant_id = ?`, [note, id, tenantId]);
    return { updated: true };
  }

  @Post()
  async create(@Body() { note }: { note: string }, owner: object = this.tenants.require()) {
    const { schema, tenantId } = owner as Owner;
    await this.query(`INSERT INTO ${schema}.orders (tenant_id, note) VALUES (?, ?)`, [tenantId, note]);
    return { created: true };
  }

  @Delete(':id')
  async delete(@Param('id') id: string) {
    const { schema, tenantId } = this.tenants.require();
    await this.query(`DELETE FROM ${schema}.orders WHERE id = ? AND tenant_id = ?`, [id, tenantId]);
    return { deleted: true };
  }
}

/** The ways in which hosts have leaked: who asked last, a cache, a header that is believed, an id that is trusted, an error text. */
class LastTenant extends OrdersController {
  private schema = '';

  @Get()
  override async list() {
    this.schema = this.tenants.require().schema;
    await new Promise((resolve) => setTimeout(resolve, 5));
    return this.query(`SELECT * FROM ${this.schema}.orders`);
  }
}

class Cached extends OrdersController {
  private cached: Record<string, unknown>[] | undefined;

  @Get()
  override async list() {
    return (this.cached ??= await super.list());
  }
}

class BelievesHeaders extends OrdersController {
  @Get()
  override list(@Headers() headers: object) {
    return super.list(this.claimed(headers));
  }

  @Post()
  override create(@Body() body: { note: string }, @Headers() headers: object) {
    return super.create(body, this.claimed(headers));
  }

  private claimed(headers: { 'x-tenant'?: string; 'x-schema'?: string }): Owner {
    const { 'x-tenant': tenantId, 'x-schema': schema } = headers;
    return tenantId === undefined ? this.tenants.require() : { tenantId, schema: schema! };
  }
}

class TrustsIds extends OrdersController {
  @Delete(':id')
  override async delete(@Param('id') id: string) {
    for (const schema of await this.schemas()) {
      await this.query(`DELETE FROM ${schema}.orders WHERE id = ?`, [id]);
    }
    return { deleted: true };
  }
}

class ErrorText extends OrdersController {
  @Patch(':id')
  override async update(@Param('id') id: string): Promise<never> {
    const notes: unknown[] = [];
    for (const schema of await this.schemas()) {
      notes.push(...(await this.query(`SELECT note FROM ${schema}.orders WHERE id = ?`, [id])).map(({ note }) => note));
    }
    throw new ConflictException(`Somebody has changed ${notes.join(' ')}`);
  }
}

const MODES = [
  ['a schema for each tenant', undefined],
  ['one schema for all tenants', () => 'everybody'],
] as const;

describe.each(MODES)('checkIsolation, with %s', (_, schemaFor) => {
  let database: TestDatabase;
  let tenants: TestTenants;
  let app: INestApplication;

  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  beforeEach(async () => {
    tenants = await TestTenants.create(database.pool, { schemaFor, count: 3 });
    let number = 0;
    for (const { schema, tenantId } of tenants) {
      await database.query(
        `CREATE TABLE IF NOT EXISTS ${schema}.orders (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id text, note text)`,
      );
      await database.query(
        `INSERT INTO ${schema}.orders VALUES ($1, $2, $3), (gen_random_uuid(), $2, 'A note of all')`,
        [`${ID}${(number += 1)}`, tenantId, `The secret of ${tenantId}`],
      );
    }
  });
  afterEach(async () => {
    await app.close();
    await tenants.drop();
  });
  afterAll(() => database.close());

  const start = async (controller: Type = OrdersController, platform: (typeof PLATFORMS)[number] = 'express') => {
    app = await boot(
      {
        imports: [
          ormModule(database),
          PrismiqModule.forRoot({ resolver, schemaFor, controllers: { guards: [TokenGuard] } }),
        ],
        controllers: [controller],
      },
      platform,
    );
  };
  const subjects = () =>
    [...tenants].map((tenant, i) => ({
      ...tenant,
      headers: { authorization: bearer(tenant.tenantId, 'u', true) },
      order: `${ID}${i + 1}`,
    }));
  const requests = ({ order }: { order: string }): IsolationRequest[] => [
    { path: '/orders' },
    { method: 'PATCH', path: `/orders/${order}`, body: { note: 'A changed note' } },
    { method: 'POST', path: '/orders', body: { note: 'A new note' } },
    { path: '/prismiq/dashboards' },
    { method: 'DELETE', path: `/orders/${order}` },
  ];
  const check = (options: Partial<Parameters<typeof checkIsolation>[0]> = {}) =>
    checkIsolation({ app, database: database.pool, tenants: subjects(), requests: requests as never, ...options });

  it.each(PLATFORMS)('finds nothing where there is nothing, on %s', async (platform) => {
    await start(OrdersController, platform);
    expect(await check()).toEqual([]);
    expect(
      await check({ app: await app.getUrl(), requests: () => [{ path: '/orders' }], database: await database.orm() }),
    ).toEqual([]);
  });

  it.each<[string, Type, (a: TestTenant, b: TestTenant) => object]>([
    ['who asked last', LastTenant, (_a, b) => ({ kind: 'read', owner: b.tenantId, request: 'GET /orders' })],
    ['a cache of all', Cached, (a) => ({ kind: 'read', owner: a.tenantId, request: 'GET /orders' })],
    [
      'a believed header, without credentials',
      BelievesHeaders,
      (a) => ({ kind: 'read', asker: undefined, owner: a.tenantId, request: 'GET /orders' }),
    ],
    [
      'a believed header, with those of another',
      BelievesHeaders,
      (a, b) => ({
        kind: 'write',
        asker: b.tenantId,
        owner: a.tenantId,
        evidence: [expect.stringMatching(/^\+ orders .*A new note/)],
      }),
    ],
    [
      'a trusted id',
      TrustsIds,
      (a) => ({
        kind: 'write',
        asker: undefined,
        owner: a.tenantId,
        evidence: [expect.stringMatching(/^- orders .*The secret of/)],
      }),
    ],
    [
      'the text of an error',
      ErrorText,
      (a, b) => ({ kind: 'read', asker: b.tenantId, owner: a.tenantId, request: expect.stringMatching(/^PATCH/) }),
    ],
  ])('finds %s', async (what, controller, leak) => {
    await start(controller);
    const [a, b] = subjects();
    const leaks = await check({ claims: ({ tenantId, schema }) => ({ 'x-tenant': tenantId, 'x-schema': schema }) });
    expect([what, leaks]).toEqual([what, expect.arrayContaining([expect.objectContaining(leak(a!, b!))])]);
  });

  it('throws if it would prove nothing', async () => {
    await start();
    await expect(check({ tenants: subjects().slice(0, 1) })).rejects.toThrow(/needs two tenants/);
    const missing = check({ requests: () => [{ path: '/orders' }, { path: '/nowhere' }] });
    await expect(missing).rejects.toThrow(/not even their own tenant got a 2xx to GET \/nowhere of test_/);
    const [first] = subjects();
    await database.query(`DELETE FROM ${first!.schema}.orders WHERE tenant_id = $1`, [first!.tenantId]);
    await expect(check()).rejects.toThrow(/has no text of 8 characters/);
  });
});
