import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { DashboardRepository, TenantContext, TenantRegistry } from '@prismiq/nestjs';
import { starterDashboard } from '../dashboards/starter.dashboard.js';
import { TenantProvisioner } from './tenant-provisioner.service.js';

@Injectable()
export class SignupService {
  constructor(
    private readonly em: EntityManager,
    private readonly provisioner: TenantProvisioner,
    private readonly tenants: TenantContext,
    private readonly registry: TenantRegistry,
    private readonly dashboards: DashboardRepository,
  ) {}

  /** Creates a tenant with its first user and a first dashboard. If anything fails, nothing is created. */
  async signUp(tenantId: string, userId: string) {
    const made = await this.em.transactional(async (em) => {
      await this.provisioner.provision(em, tenantId, [userId]);
      // A public route has no tenant in context, so the application names the tenant.
      const { id, name } = await this.tenants.runInTenant({ tenantId, userId }, () =>
        this.dashboards.create(starterDashboard),
      );
      return { tenant: tenantId, user: userId, dashboard: { id, name } };
    });
    // A look-up a moment ago may have found, and remembered, that there is no such tenant.
    this.registry.invalidate(tenantId);
    return made;
  }
}
