export { startPostgres } from './start.ts';
export type { DevPostgres, StartPostgresOptions } from './start.ts';
