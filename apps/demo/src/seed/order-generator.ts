import type { NewOrder, OrderStatus } from '../orders/order.entity.js';
import { randomFrom } from './random.js';

/** The shape of a tenant's orders. */
export interface OrderProfile {
  tenantId: string;
  count: number;
  currency: string;
  regions: string[];
  customers: string[];
  /** The typical value of an order. */
  typicalAmount: number;
}

const DAY = 24 * 60 * 60 * 1000;

/** Orders of the twelve months before `now`, oldest first. The same profile gives the same orders, `now` apart. */
export function generateOrders(profile: OrderProfile, now: Date): NewOrder[] {
  const { tenantId, count, currency, regions, customers, typicalAmount } = profile;
  const random = randomFrom(tenantId);
  // The square makes the first entries of a list the frequent ones.
  const pick = (list: string[]): string => list[Math.floor(random() ** 2 * list.length)]!;
  // Business grows: the exponent gives the recent days more orders than those a year ago.
  const ages = Array.from({ length: count }, () => random() ** 1.3 * 365).sort((a, b) => b - a);
  return ages.map((age, index) => ({
    number: `${tenantId.toUpperCase()}-${String(index + 1).padStart(5, '0')}`,
    customer: pick(customers),
    region: pick(regions),
    status: statusAfter(age, random()),
    amount: Math.round(typicalAmount * (0.2 + 3 * random() ** 3) * 100) / 100,
    currency,
    orderedAt: new Date(now.getTime() - age * DAY),
  }));
}

/** @param age in days */
function statusAfter(age: number, luck: number): OrderStatus {
  if (luck < 0.06) return 'cancelled';
  if (age < 2) return luck < 0.5 ? 'pending' : 'paid';
  if (age < 9) return luck < 0.3 ? 'paid' : 'shipped';
  return luck < 0.09 ? 'shipped' : 'delivered';
}
