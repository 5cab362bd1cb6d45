import { z } from 'zod';
import { text } from '../validation/text.js';
import { ORDER_STATUSES } from './order.entity.js';

const order = z.object({
  number: text(40, 'IMP-0001').min(1),
  customer: text(200, 'Harbour Lights').min(1),
  region: text(40, 'North').min(1),
  status: z.enum(ORDER_STATUSES).default('pending'),
  amount: z
    .number()
    .positive()
    .max(9_999_999)
    .multipleOf(0.01)
    .meta({ examples: [149.9] }),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be three capital letters')
    .meta({ examples: ['EUR'] }),
  ordered_at: z.iso.datetime({ offset: true }).meta({ examples: ['2026-01-31T12:00:00Z'] }),
});

/** What `POST /orders/import` takes. */
export const orderImport = z.object({
  batch: text(100, 'Web shop, January').min(1),
  orders: z.array(order).min(1).max(500),
});

export type OrderImport = z.output<typeof orderImport>;
