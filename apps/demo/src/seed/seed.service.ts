import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { DashboardRepository, TenantContext } from '@prismiq/nestjs';
import { TenantProvisioner } from '../tenants/tenant-provisioner.service.js';
import { tenantSchema } from '../tenants/tenant-schema.js';
import { Tenant } from '../tenants/tenant.entity.js';
import { seedOrders } from './seed-orders.js';
import { SEED_TENANTS, type SeedTenant } from './seed-tenants.js';

@Injectable()
export class SeedService {
  constructor(
    private readonly em: EntityManager,
    private readonly provisioner: TenantProvisioner,
    private readonly tenants: TenantContext,
    private readonly dashboards: DashboardRepository,
  ) {}

  /** Creates the demo's tenants. Those that exist stay as they are, with all changes made to them. */
  async run(): Promise<void> {
    // There is no request and so no EntityManager for one: fork it, here and in the transactions below.
    const existing = await this.em.fork().findAll(Tenant);
    const ids = new Set(existing.map(({ id }) => id));
    for (const tenant of SEED_TENANTS.filter(({ orders }) => !ids.has(orders.tenantId))) {
      await this.create(tenant);
    }
  }

  private async create({ users, orders, dashboards }: SeedTenant): Promise<void> {
    const { tenantId } = orders;
    await this.em.fork().transactional(async (em) => {
      await this.provisioner.provision(em, tenantId, users);
      await seedOrders(em, tenantSchema(tenantId), orders);
      await this.tenants.runInTenant({ tenantId, userId: users[0] }, async () => {
        for (const dashboard of dashboards) {
          await this.dashboards.create(dashboard);
        }
      });
    });
  }
}
