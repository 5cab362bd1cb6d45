import type { EntityManager } from '@mikro-orm/postgresql';
import { suiteGuard } from '../../../../test/support/sql-guard.js';
import type { TestDatabase } from '../../../../test/support/test-database.js';
import { Random } from './random.js';

/** What a role, a database or a server may be set to: none of it may change whose rows a statement reads or writes. */
const SETTINGS: readonly (readonly [name: string, ...values: string[]])[] = [
  ['search_path', 'pg_temp, tenant_t00', 'tenant_t01, public', 'everybody', '"$user", public'],
  ['DateStyle', 'SQL, DMY', 'German', 'ISO, MDY'],
  ['TimeZone', `'Asia/Kolkata'`, `'America/St_Johns'`, `'UTC'`],
  ['IntervalStyle', 'sql_standard', 'postgres'],
  ['bytea_output', 'escape', 'hex'],
  ['extra_float_digits', '-5', '1'],
  ['row_security', 'on', 'off'],
  ['idle_in_transaction_session_timeout', `'30s'`, '0'],
  ['enable_seqscan', 'off', 'on'],
  ['plan_cache_mode', 'force_generic_plan', 'auto'],
];

/** Sets the sessions that are opened from now on to something that the seed determines. */
export async function setSessions(database: TestDatabase, seed: number): Promise<void> {
  const random = new Random(seed);
  for (const [name, ...values] of SETTINGS) {
    await database.query(`ALTER ROLE CURRENT_USER IN DATABASE ${database.name} SET ${name} = ${random.pick(values)!}`);
  }
}

/** A host's code leaves tables behind on a pooled connection that are named as Prismiq's are. */
export function leaveTemporaryTables(em: EntityManager): Promise<unknown> {
  return suiteGuard.off(() =>
    em
      .fork()
      .getConnection()
      .execute(
        ['prismiq_dashboards', 'prismiq_widgets', 'prismiq_saved_queries']
          .map((name) => `CREATE TEMP TABLE IF NOT EXISTS ${name} (id uuid, tenant_id text, name text)`)
          .join('; '),
      ),
  );
}
