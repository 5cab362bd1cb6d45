import { defineEntity, p, type InferEntity } from '@mikro-orm/core';

export const ORDER_STATUSES = ['pending', 'paid', 'shipped', 'delivered', 'cancelled'] as const;

export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** An order, in the schema of its tenant: the schema is a wildcard, and every query says which one it means. */
export const Order = defineEntity({
  name: 'Order',
  tableName: 'orders',
  schema: '*',
  properties: {
    id: p.integer().primary(),
    number: p.string().length(40),
    customer: p.string().length(200),
    region: p.string().length(40),
    status: p.string().$type<OrderStatus>().length(20),
    amount: p.decimal('number').precision(12).scale(2),
    currency: p.string().length(3),
    /** The import that it came with; `null` if it was entered by hand. */
    batch: p.string().length(100).nullable(),
    orderedAt: p.datetime().columnType('timestamptz'),
  },
});

export type Order = InferEntity<typeof Order>;

/** An order that is not stored yet. */
export type NewOrder = Omit<Order, 'id' | 'batch'>;
