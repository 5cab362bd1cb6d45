/**
 * What a host uses in its own tests.
 *
 * @packageDocumentation
 */
export { FixedTenantResolver } from './fixed-tenant-resolver.js';
export { SqlGuard, type SqlGuardOfOptions, type SqlGuardOptions } from './sql-guard.js';
export { TestTenants, type TestTenant, type TestTenantsOptions } from './test-tenants.js';
export { UnsafeStatementError } from './unsafe-statement.error.js';
export type { Watched, WatchedClient, WatchedModule, WatchedPool } from './watch-connections.js';
export { checkIsolation, type IsolationOptions, type IsolationTenant, type Leak } from './check-isolation.js';
export type { IsolationRequest } from './isolation-requests.js';
