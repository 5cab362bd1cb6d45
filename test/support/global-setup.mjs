import { fileURLToPath } from 'node:url';
import { startPostgres } from '@prismiq/dev-postgres';

/** One PostgreSQL for the whole run: the one that DATABASE_URL names, or an embedded one whose data go when it stops. */
export default async function globalSetup() {
  if (process.env.DATABASE_URL === undefined) {
    const dataDir = fileURLToPath(new URL(`../../.data/test-${process.pid}`, import.meta.url));
    const postgres = await startPostgres({ dataDir, persistent: false, flags: ['max_connections=300'] });
    globalThis.prismiqTestPostgres = postgres;
    process.env.DATABASE_URL = postgres.url;
  }
}
