import type { EntityManager } from '@mikro-orm/postgresql';
import type { OrderProfile } from './order-profile.js';

const DAYS = 730;

/** A number from 0 to 1 that depends on the order and on what it is for: the same profile gives the same orders. */
const random = (use: number): string => `((hashint8extended(n, ${use}) & 1048575) / 1048576.0)`;

/**
 * Fills a tenant's `customers` and `orders`: orders of the two years until now, more in recent months and in winter. One statement each,
 * since thousands of rows that the application makes and sends would delay its start.
 *
 * @param em in a transaction
 */
export async function seedOrders(em: EntityManager, schema: string, profile: OrderProfile): Promise<void> {
  const { tenantId, count, currency, regions, customers, typicalAmount } = profile;
  await em.execute(
    `INSERT INTO "${schema}".customers (name, region, segment, since)
     SELECT name, (string_to_array(?, '|'))[1 + floor(power(${random(1)}, 2) * ?)::int],
       (ARRAY['Retail', 'Wholesale', 'Public sector'])[1 + floor(power(${random(2)}, 1.5) * 3)::int],
       current_date - ${DAYS} - floor(${random(3)} * 1500)::int
     FROM unnest(string_to_array(?, '|')) WITH ORDINALITY AS c (name, n)`,
    [regions.join('|'), regions.length, customers.join('|')],
  );
  await em.execute(
    `INSERT INTO "${schema}".orders (number, customer_id, customer, region, status, amount, currency, ordered_at)
     SELECT ? || '-' || lpad((row_number() OVER (ORDER BY age DESC, n))::text, 5, '0'), c.id, c.name, c.region,
       CASE WHEN luck < 0.06 THEN 'cancelled'
         WHEN age < 2 THEN CASE WHEN luck < 0.5 THEN 'pending' ELSE 'paid' END
         WHEN age < 9 THEN CASE WHEN luck < 0.3 THEN 'paid' ELSE 'shipped' END
         WHEN luck < 0.09 THEN 'shipped' ELSE 'delivered' END,
       round((? * (0.2 + 3 * power(size, 3)))::numeric, 2), ?, now() - age * interval '1 day'
     FROM (SELECT n, ${random(4)} AS luck, ${random(5)} AS size, 1 + floor(power(${random(6)}, 2) * ?)::int AS customer,
         -- The exponent gives recent days more orders, and the sine some months more than others.
         greatest(power(${random(7)}, 1.3) * ${DAYS} + 20 * sin(${random(8)} * 6.3), 0.01) AS age
       FROM generate_series(1, ?::bigint) AS n) AS drawn
     JOIN (SELECT *, row_number() OVER (ORDER BY id) AS place FROM "${schema}".customers) AS c ON c.place = drawn.customer`,
    [tenantId.toUpperCase(), typicalAmount, currency, customers.length, count],
  );
}
