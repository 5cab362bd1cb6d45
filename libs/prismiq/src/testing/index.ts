/**
 * For the tests of a host.
 *
 * @packageDocumentation
 */

// Tenants, and who sends a request
export { FixedTenantResolver } from './fixed-tenant-resolver.js';
export { TestTenants, type TestTenant, type TestTenantsOptions } from './test-tenants.js';

// The statements that are sent
export { SqlGuard, type SqlGuardOfOptions, type SqlGuardOptions } from './sql-guard.js';
export { UnsafeStatementError } from './unsafe-statement.error.js';
export type { Watched, WatchedClient, WatchedModule, WatchedPool } from './watch-connections.js';

// The answers of the host's endpoints
export { checkIsolation } from './check-isolation.js';
export type { IsolationOptions, IsolationTenant, Leak } from './isolation-options.js';
export type { IsolationRequest } from './isolation-requests.js';
