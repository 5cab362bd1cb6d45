import { DriverException, UniqueConstraintViolationException, type EntityManager } from '@mikro-orm/postgresql';
import { ConflictException, Injectable } from '@nestjs/common';
import { ensureTables } from '@prismiq/nestjs';
import { ordersTables } from '../orders/orders-table.js';
import { tenantSchema } from './tenant-schema.js';
import { Tenant } from './tenant.entity.js';
import { User } from './user.entity.js';

/** The user who administers a tenant; each has one. */
export const ADMIN = 'root';

const DUPLICATE_SCHEMA = '42P06';

@Injectable()
export class TenantProvisioner {
  /**
   * Creates a tenant: its rows in `public`, its schema, the application's tables and Prismiq's.
   *
   * @param em an EntityManager in a transaction
   */
  async provision(em: EntityManager, tenantId: string, users: string[]): Promise<void> {
    const schema = tenantSchema(tenantId);
    try {
      await em.insert(Tenant, { id: tenantId });
      // Without IF NOT EXISTS: a schema that another tenant left behind must not become this tenant's.
      await em.execute(`CREATE SCHEMA ${em.getPlatform().quoteIdentifier(schema)}`);
    } catch (error) {
      throw isTaken(error) ? new ConflictException(`The tenant "${tenantId}" exists already`) : error;
    }
    await em.insertMany(User, [
      ...users.map((name) => ({ tenant: tenantId, name, isAdmin: false })),
      { tenant: tenantId, name: ADMIN, isAdmin: true },
    ]);
    await em.execute(ordersTables(schema));
    await ensureTables(em, { schema });
  }
}

const isTaken = (error: unknown): boolean =>
  error instanceof UniqueConstraintViolationException ||
  (error instanceof DriverException && error.code === DUPLICATE_SCHEMA);
