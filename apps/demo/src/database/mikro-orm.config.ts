import { Migrator } from '@mikro-orm/migrations';
import { defineConfig, type Options } from '@mikro-orm/postgresql';
import { Order } from '../orders/order.entity.js';
import { Tenant } from '../tenants/tenant.entity.js';
import { User } from '../tenants/user.entity.js';
import { TenantsAndUsers } from './migrations/20250310120000_tenants_and_users.migration.js';

/** The application's entities alone: PrismiqModule adds its own. */
export const mikroOrmConfig = (databaseUrl: string): Options =>
  defineConfig({
    clientUrl: databaseUrl,
    entities: [Tenant, User, Order],
    extensions: [Migrator],
    migrations: {
      // The names are recorded in the database, so they are written out: a class may be renamed, or minified.
      migrationsList: [{ name: '20250310120000_tenants_and_users', class: TenantsAndUsers }],
      snapshot: false,
    },
  });
