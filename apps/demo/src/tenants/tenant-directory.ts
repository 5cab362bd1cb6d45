import { tenantsFromQuery } from '@prismiq/nestjs';

/** The tenants, for the application and for the `prismiq` command. */
export const tenantDirectory = tenantsFromQuery('SELECT id AS "tenantId" FROM public.tenants');
