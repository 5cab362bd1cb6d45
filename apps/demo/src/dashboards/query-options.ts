import type { PrismiqQueryOptions } from '@prismiq/nestjs';

/** What the users of a tenant may query: its orders and customers, and nothing else. Admins may also write SQL. */
export const queryOptions: PrismiqQueryOptions = {
  tables: {
    orders: {
      displayName: 'Orders',
      description: 'One row for each order',
      columns: { amount: { format: 'currency' }, batch: { hidden: true } },
    },
    customers: { displayName: 'Customers', description: 'Who has ordered' },
  },
  sqlMode: { mayRun: ({ isAdmin }) => isAdmin },
};
