// A host as small as can be, installed from the packed tarball. Compiled twice: as an ES module and as CommonJS.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { Controller, Get, Injectable, Module, UseInterceptors, type ExecutionContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { MikroORM, PostgreSqlDriver } from '@mikro-orm/postgresql';
import { DashboardRepository, ensureTables, PrismiqModule, TenantContext, TenantInterceptor } from '@prismiq/nestjs';
import { PRISMIQ_MIGRATIONS } from '@prismiq/nestjs/migrations';
import { SqlGuard } from '@prismiq/nestjs/testing';

@Injectable()
class Reports {
  constructor(
    private readonly dashboards: DashboardRepository,
    private readonly tenants: TenantContext,
  ) {}

  create(tenantId: string, name: string) {
    return this.tenants.runInTenant({ tenantId, userId: 'ada' }, () => this.dashboards.create({ name }));
  }
}

@Controller('mine')
@UseInterceptors(TenantInterceptor)
class MineController {
  constructor(private readonly dashboards: DashboardRepository) {}

  @Get()
  list() {
    return this.dashboards.list();
  }
}

@Module({
  imports: [
    MikroOrmModule.forRoot({
      driver: PostgreSqlDriver,
      clientUrl: process.env['DATABASE_URL']!,
      discovery: { warnWhenNoEntities: false },
    }),
    PrismiqModule.forRoot({
      controllers: true,
      resolver: (context: ExecutionContext) => {
        const tenantId: string | undefined = context.switchToHttp().getRequest().headers['x-verified-tenant'];
        return tenantId === undefined ? undefined : { tenantId, userId: 'ada' };
      },
    }),
  ],
  controllers: [MineController],
  providers: [Reports],
})
class HostModule {}

async function main(): Promise<void> {
  const schema = process.argv[2]!;
  const app = await NestFactory.create(HostModule, { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  try {
    await ensureTables(app.get(MikroORM), { schema: `tenant_${schema}`, createSchema: true });
    const guard = await SqlGuard.of(app);
    const { id } = await app.get(Reports).create(schema, 'Sales');
    const url = await app.getUrl();
    for (const path of ['mine', 'prismiq/dashboards']) {
      const answer = await fetch(`${url}/${path}`, { headers: { 'X-Verified-Tenant': schema } });
      assert.equal(answer.status, 200);
      assert.match(await answer.text(), new RegExp(id));
    }
    assert.equal(PRISMIQ_MIGRATIONS.length, 2);
    assert.deepEqual(guard.violations, []);
    await assert.rejects(app.get(MikroORM).em.getConnection().execute('TABLE prismiq_widgets'), /SQL guard/);
  } finally {
    await app.close();
  }
}

void main();
