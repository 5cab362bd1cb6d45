import { MikroORM } from '@mikro-orm/postgresql';
import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { ensureTables } from '@prismiq/nestjs';
import { SeedService } from '../seed/seed.service.js';
import { tenantSchema } from '../tenants/tenant-schema.js';
import { Tenant } from '../tenants/tenant.entity.js';

/** Brings the database up to date before the first request comes in. */
@Injectable()
export class DatabaseSetup implements OnApplicationBootstrap {
  readonly #logger = new Logger(DatabaseSetup.name);

  constructor(
    private readonly orm: MikroORM,
    private readonly seed: SeedService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.orm.migrator.up();
    await this.bringTenantsUpToDate();
    await this.seed.run();
  }

  /** Creates what a newer version of Prismiq needs; where all is there already, nothing is written. */
  private async bringTenantsUpToDate(): Promise<void> {
    const tenants = await this.orm.em.fork().findAll(Tenant, { orderBy: { id: 'asc' } });
    for (const { id } of tenants) {
      try {
        await ensureTables(this.orm, { schema: tenantSchema(id) });
      } catch (error) {
        // One tenant's trouble must not keep the others from working.
        this.#logger.error(`Tenant "${id}" cannot use Prismiq: ${error instanceof Error ? error.message : error}`);
      }
    }
  }
}
