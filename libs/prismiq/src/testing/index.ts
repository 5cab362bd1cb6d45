/**
 * What a host uses in its own tests.
 *
 * @packageDocumentation
 */

// Who there is, and who asks
export { FixedTenantResolver } from './fixed-tenant-resolver.js';
export { TestTenants, type TestTenant, type TestTenantsOptions } from './test-tenants.js';

// What may be sent to the database
export { SqlGuard, type SqlGuardOfOptions, type SqlGuardOptions } from './sql-guard.js';
export { UnsafeStatementError } from './unsafe-statement.error.js';
export type { Watched, WatchedClient, WatchedModule, WatchedPool } from './watch-connections.js';

// What may be seen through the host's endpoints
export { checkIsolation } from './check-isolation.js';
export type { IsolationOptions, IsolationTenant, Leak } from './isolation-options.js';
export type { IsolationRequest } from './isolation-requests.js';
