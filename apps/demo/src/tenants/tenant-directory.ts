import { tenantsFromQuery } from '@prismiq/nestjs';

/** Which tenants there are. The first customer is friendly, and takes new versions of the tables before the others do. */
export const tenantDirectory = tenantsFromQuery(
  `SELECT id AS "tenantId", CASE WHEN id = 'acme' THEN 'canary' END AS ring FROM public.tenants`,
);
