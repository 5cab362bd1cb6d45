import type { Transaction } from '@mikro-orm/postgresql';
import { MigrationRefusedError } from '../../errors/migration.errors.js';
import { SchemaNotFoundError } from '../../errors/schema.errors.js';
import type { MigrationScope } from '../../migrations/driver-access.js';
import { concernsPrismiq, prepare, type PreparedMigration } from '../../migrations/migration-statements.js';
import { PRISMIQ_SOURCE } from '../../migrations/migration-source.js';
import { schemaMismatch } from '../../schema/schema-mismatch.js';
import { schemaLockKey } from '../../schema/lock-schema.js';
import { BEGIN } from '../../sql/session.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import type { TenantMigrationState } from '../inspect/tenant-migration-state.js';
import type { TenantSchemaRef } from '../tenant-schema-ref.js';
import { ConcurrentMigration } from './concurrently/concurrent-migration.js';
import type { Step } from './next-step.js';
import type { RunContext } from './run-context.js';
import { lockOrFail } from './tenant-assertions.js';
import { TenantTransaction } from './tenant-transaction.js';

/**
 * Does one step of the work on a tenant, in one transaction.
 *
 * @param begin called before the transaction, once all checks have passed
 * @returns the migrations that the tenant has then, as `source:name`: the histories that were read before are asserted in the transaction
 */
export async function runStep(
  step: Step,
  state: TenantMigrationState,
  context: RunContext,
  oneByOne: boolean,
  begin: () => void,
): Promise<ReadonlySet<string>> {
  const { database, set, direction, inspector, sendsItself } = context;
  const { schema } = state.tenant;
  if (!state.schemaExists && !context.createSchema) {
    throw new SchemaNotFoundError({ schema });
  }
  begin();
  const { orm } = database;
  const scope: MigrationScope = { orm, schema, direction, allowDataLoss: context.allowDataLoss, namesSchema: true };
  const prepared = await Promise.all(step.migrations.map((migration) => prepare(migration, scope, sendsItself)));
  const concernsTables = step.repairs.length + step.unrecorded.length > 0 || prepared.some(concernsPrismiq);
  if (!concernsTables && state.differences.length > 0) {
    throw schemaMismatch(state.differences, schema);
  }
  const present = new Set(state.present);
  step.migrations.forEach(({ label }) => (direction === 'up' ? present.add(label) : present.delete(label)));
  const work = async (sql: SqlExecutor, transaction?: Transaction): Promise<void> => {
    const tenant = new TenantTransaction(sql, transaction, scope, oneByOne);
    await apply(step, prepared, tenant, state, context);
    if (concernsTables) {
      await tenant.flush();
      await tenant.verify(present, set, inspector);
    }
    await tenant.commit();
  };
  const runsHostCode = step.migrations.some(({ source }) => source !== PRISMIQ_SOURCE);
  if (!step.isTransactional) {
    await context.oneAtATime(() => database.connection(work, runsHostCode));
  } else if (prepared.some(({ statements }) => statements === undefined)) {
    await database.transaction((transaction) => work(transaction, transaction.context), runsHostCode);
  } else {
    await database.connection(work, runsHostCode);
  }
  return present;
}

async function apply(
  step: Step,
  prepared: readonly PreparedMigration[],
  tenant: TenantTransaction,
  { tenant: { tenantId, schema }, schemaExists, digests }: TenantMigrationState,
  { database, set, settings, direction, signal, emit }: RunContext,
): Promise<void> {
  tenant.begin(digests, set.sources, settings);
  if (!schemaExists) {
    tenant.createSchema();
  }
  const concerned = new Set([...step.unrecorded, ...step.migrations].map(({ source }) => source));
  set.sources
    .filter(({ name }) => concerned.has(name) && !digests.has(name))
    .forEach(({ historyTable }) => tenant.createHistory(historyTable));
  step.repairs.forEach((sql) => tenant.repair(sql));
  step.unrecorded.forEach((migration) => tenant.record(migration));
  for (const { migration, statements } of prepared) {
    if (step.isTransactional) {
      await tenant.run({ migration, statements });
    } else if (statements === undefined) {
      throw new MigrationRefusedError(
        migration.label,
        'it is not transactional, and sends statements itself; give them to addSql',
        { schema },
      );
    } else {
      await tenant.flush();
      await new ConcurrentMigration({
        database,
        tenant: { tenantId, schema },
        lockHolder: tenant.sql,
        searchPath: settings.searchPath,
        lockTimeoutMs: settings.lockTimeoutMs,
        signal,
        emit,
      }).run(migration, statements);
    }
    if (direction === 'up') {
      tenant.record(migration);
    } else {
      tenant.unrecord(migration);
    }
  }
}

/** The state of a tenant on which no other session works. @throws a lock failure if one does */
export const inspectUnderLock = (
  tenant: TenantSchemaRef,
  { database, inspector }: RunContext,
): Promise<TenantMigrationState> =>
  database.connection(async (sql) => {
    await sql.query(BEGIN);
    await sql.query(lockOrFail(schemaLockKey(tenant.schema)));
    const state = await inspector.inspectOne(tenant, sql);
    await sql.query('COMMIT');
    return state;
  });
