import { MikroOrmModule } from '@mikro-orm/nestjs';
import { Module, StandardSchemaValidationPipe, type DynamicModule } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { PrismiqModule } from '@prismiq/nestjs';
import { AuthModule } from './auth/auth.module.js';
import { resolveIdentity } from './auth/identity.js';
import { DatabaseSetup } from './database/database-setup.service.js';
import { mikroOrmConfig } from './database/mikro-orm.config.js';
import { queryOptions } from './dashboards/query-options.js';
import { OrdersModule } from './orders/orders.module.js';
import { SeedModule } from './seed/seed.module.js';
import { tenantDirectory } from './tenants/tenant-directory.js';
import { tenantSchema } from './tenants/tenant-schema.js';
import { TenantsModule } from './tenants/tenants.module.js';

@Module({})
export class AppModule {
  static forRoot({ databaseUrl }: { databaseUrl: string }): DynamicModule {
    return {
      module: AppModule,
      imports: [
        MikroOrmModule.forRoot(mikroOrmConfig(databaseUrl)),
        // What Prismiq needs to know: who sends a request, which tenants there are, where their data are, and where to mount the
        // REST API; and which tables dashboards may show.
        PrismiqModule.forRoot({
          isGlobal: true,
          resolver: resolveIdentity,
          directory: tenantDirectory,
          schemaFor: tenantSchema,
          controllers: { path: 'api/prismiq' },
          query: queryOptions,
        }),
        AuthModule,
        TenantsModule,
        OrdersModule,
        SeedModule,
      ],
      providers: [DatabaseSetup, { provide: APP_PIPE, useClass: StandardSchemaValidationPipe }],
    };
  }
}
