/**
 * Takes the database to the version of this code, before its first instance starts: `DATABASE_URL=… node apps/demo/dist/deploy.js`
 *
 * Exits with 0 when all tenants are up to date, and with 1 otherwise. After Ctrl-C or SIGTERM it finishes the tenants that it works
 * on. It can be run again at any time, and several times at once.
 */
import { MikroORM } from '@mikro-orm/postgresql';
import { TenantMigrator, type MigrationEvent, type MigrationReport } from '@prismiq/nestjs';
import { mikroOrmConfig } from './database/mikro-orm.config.js';
import { tenantDirectory } from './tenants/tenant-directory.js';
import { tenantSchema } from './tenants/tenant-schema.js';

const CONCURRENCY = 4;

export async function deploy(databaseUrl: string, signal?: AbortSignal): Promise<MigrationReport> {
  const orm = await MikroORM.init(mikroOrmConfig(databaseUrl));
  try {
    await orm.migrator.up();
    const migrator = new TenantMigrator({
      database: orm,
      directory: tenantDirectory,
      schemaFor: tenantSchema,
      rings: ['canary'],
    });
    return await migrator.up({ concurrency: CONCURRENCY, signal, onEvent: tell });
  } finally {
    await orm.close();
  }
}

function tell(event: MigrationEvent): void {
  switch (event.type) {
    case 'ring-started':
      console.log(`${event.ring ?? 'all others'}: ${event.total} tenants`);
      break;
    case 'tenant-retry':
      console.log(`  ${event.tenantId}: retry in ${event.waitMs} ms, ${event.message}`);
      break;
    case 'tenant-waiting':
      console.log(`  ${event.tenantId}: ${event.message}`);
      break;
    case 'tenant-finished': {
      const { tenantId, state, durationMs, message } = event.result;
      if (state !== 'unchanged') {
        console.log(`  ${tenantId}: ${state} in ${durationMs} ms${message === undefined ? '' : `, ${message}`}`);
      }
      break;
    }
    case 'run-finished': {
      const { counts, durationMs, stopped } = event.report;
      const states = Object.entries(counts).filter(([, count]) => count > 0);
      const summary = states.map(([state, count]) => `${count} ${state}`).join(', ') || 'no tenants';
      console.log(`${summary}, in ${durationMs} ms.${stopped === undefined ? '' : ` ${stopped.message}`}`);
    }
  }
}

if (import.meta.main) {
  const { DATABASE_URL: databaseUrl } = process.env;
  if (!databaseUrl) {
    throw new Error('DATABASE_URL is not set.');
  }
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => abort.abort());
  }
  const { counts, stopped } = await deploy(databaseUrl, abort.signal);
  process.exitCode = counts.failed > 0 || stopped !== undefined ? 1 : 0;
}
