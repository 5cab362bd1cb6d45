import { EntityManager, raw } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { TenantContext } from '@prismiq/nestjs';
import { Order, type OrderStatus } from './order.entity.js';

/** A total of the orders with one status and currency. */
export interface OrderTotal {
  status: OrderStatus;
  currency: string;
  orders: number;
  amount: number;
}

@Injectable()
export class OrdersService {
  constructor(
    private readonly em: EntityManager,
    private readonly tenants: TenantContext,
  ) {}

  /** The newest orders of the tenant in context. */
  async latest(limit: number): Promise<Order[]> {
    const { schema } = this.tenants.require();
    return this.em.find(Order, {}, { schema, limit, orderBy: { orderedAt: 'desc', id: 'desc' } });
  }

  async summary(): Promise<OrderTotal[]> {
    const { schema } = this.tenants.require();
    return this.em
      .createQueryBuilder(Order, 'o')
      .withSchema(schema)
      .select(['o.status', 'o.currency', raw('count(*)::int as orders'), raw('sum(o.amount)::float8 as amount')])
      .groupBy(['o.status', 'o.currency'])
      .orderBy({ status: 'asc', currency: 'asc' })
      .execute<OrderTotal[]>('all', false);
  }
}
