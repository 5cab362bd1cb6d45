import { MikroORM } from '@mikro-orm/postgresql';
import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { TenantMigrator } from '@prismiq/nestjs';
import { SeedService } from '../seed/seed.service.js';

/** Brings the database up to date before the first request comes in. */
@Injectable()
export class DatabaseSetup implements OnApplicationBootstrap {
  readonly #logger = new Logger(DatabaseSetup.name);

  constructor(
    private readonly orm: MikroORM,
    private readonly migrator: TenantMigrator,
    private readonly seed: SeedService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.orm.migrator.up();
    await this.bringTenantsUpToDate();
    await this.seed.run();
  }

  /**
   * Migrates like `deploy.ts`, which a deployment runs first, so that nothing is left to do here. A tenant that fails does not
   * keep the others from working. Before the first start there are no tenants.
   */
  private async bringTenantsUpToDate(): Promise<void> {
    const { failures } = await this.migrator.up({ onError: 'continue', allowEmpty: true });
    for (const { tenantId, message } of failures) {
      this.#logger.error(`Tenant "${tenantId}" cannot use Prismiq: ${message}`);
    }
  }
}
