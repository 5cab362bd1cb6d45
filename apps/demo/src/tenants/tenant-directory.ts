import { tenantsFromQuery } from '@prismiq/nestjs';

/**
 * The tenants, for the application, its deploy script and the `prismiq` command. The first customer is friendly, and takes new
 * versions of the tables before the others do.
 */
export const tenantDirectory = tenantsFromQuery(
  `SELECT id AS "tenantId", CASE WHEN id = 'acme' THEN 'canary' END AS ring FROM public.tenants`,
);
