import { tenantsFromQuery } from '@prismiq/nestjs';

/**
 * The tenants, for the application, its deploy script and the `prismiq` command. The first customer has agreed to get new
 * versions of the tables before the others.
 */
export const tenantDirectory = tenantsFromQuery(
  `SELECT id AS "tenantId", CASE WHEN id = 'acme' THEN 'canary' END AS ring FROM public.tenants`,
);
