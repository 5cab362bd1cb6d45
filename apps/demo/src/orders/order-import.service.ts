import { EntityManager, UniqueConstraintViolationException } from '@mikro-orm/postgresql';
import { ConflictException, Injectable } from '@nestjs/common';
import { DashboardRepository, NameTakenError, TenantContext } from '@prismiq/nestjs';
import { importDashboard } from '../dashboards/import.dashboard.js';
import { Order, type NewOrder } from './order.entity.js';

@Injectable()
export class OrderImportService {
  constructor(
    private readonly em: EntityManager,
    private readonly tenants: TenantContext,
    private readonly dashboards: DashboardRepository,
  ) {}

  /**
   * Stores a batch of orders with a dashboard about them. Prismiq's repository writes in the transaction that is open here. A batch
   * that was imported before is not stored again: the name of its dashboard is taken, so the transaction rolls back.
   */
  async import(batch: string, orders: NewOrder[]) {
    const { schema } = this.tenants.require();
    const rows = orders.map((order) => ({ ...order, batch }));
    try {
      return await this.em.transactional(async (em) => {
        await em.insertMany(Order, rows, { schema });
        const { id, name } = await this.dashboards.create(importDashboard(batch));
        return { batch, orders: rows.length, dashboard: { id, name } };
      });
    } catch (error) {
      throw explain(error, batch);
    }
  }
}

function explain(error: unknown, batch: string): unknown {
  if (error instanceof NameTakenError) {
    return new ConflictException(`The batch "${batch}" was imported before`);
  }
  if (error instanceof UniqueConstraintViolationException) {
    return new ConflictException('An order of this batch has a number that is taken');
  }
  return error;
}
