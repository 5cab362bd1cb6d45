import type { SqlExecutor } from '../../../sql/sql-executor.js';
import { INVALID_INDEXES, toParameters, type Leftovers } from './invalid-indexes.js';

/** A statement that the server runs for a tenant, outside of a transaction. */
export interface RunningStatement {
  readonly pid: number;
  /** The phase of an index build, and how much of it is done. */
  readonly progress: string | undefined;
  /** Whether it waits for other transactions to end. It holds no lock then that blocks writers. */
  readonly waitsForTransactions: boolean;
  /** A description of the processes that it waits for. */
  readonly blockers: string | undefined;
  /** Whether this look has canceled it, because it had waited for a lock for too long. */
  readonly isCanceled: boolean;
}

/** Begins the texts that are sent to run a statement outside of a transaction, so that another process recognizes them. */
export const toMarker = (schema: string): string => `/* prismiq ${encodeURIComponent(schema)} */`;

/**
 * By the text of the statement and not by its process id: another process must find it too. What waits for its client has completed
 * its statement.
 *
 * The look cancels in the same statement, so that it cancels no other statement of that session.
 */
const RUNNING_STATEMENTS = `
  SELECT a.pid::text AS pid,
    p.phase || coalesce(', ' || round(100.0 * p.blocks_done / nullif(p.blocks_total, 0)) || '%', '') AS progress,
    (l.locktype IN ('virtualxid', 'transactionid'))::text AS patient,
    CASE WHEN l.pid IS NOT NULL THEN (
      SELECT string_agg(concat('process ', b.pid, ' (', concat_ws(', ', nullif(b.application_name, ''), b.state,
        'transaction open for ' || date_trunc('second', statement_timestamp() - b.xact_start)), ')'), ', ' ORDER BY b.pid)
      FROM pg_catalog.pg_stat_activity b WHERE b.pid = ANY(pg_blocking_pids(a.pid))
    ) END AS blockers,
    CASE WHEN starts_with(a.query, $4) AND l.locktype NOT IN ('virtualxid', 'transactionid')
      AND statement_timestamp() - l.waitstart >= make_interval(secs => $5)
    THEN pg_cancel_backend(a.pid)::text END AS canceled
  FROM pg_catalog.pg_stat_activity a
  LEFT JOIN pg_catalog.pg_locks l ON l.pid = a.pid AND NOT l.granted
  LEFT JOIN pg_catalog.pg_stat_progress_create_index p ON p.pid = a.pid
  WHERE a.datname = current_database() AND a.backend_type = 'client backend' AND a.state = 'active'
    AND a.wait_event IS DISTINCT FROM 'ClientRead'
    AND (starts_with(a.query, $4) OR p.index_relid IN (SELECT oid FROM (${INVALID_INDEXES}) AS invalid))
  ORDER BY a.pid`;

/**
 * Finds what runs for a tenant: marked statements, and builds by anybody of an index that is among the leftovers. Cancels a marked
 * statement that has waited for a lock for too long.
 */
export async function findRunningStatements(
  sql: SqlExecutor,
  leftovers: Leftovers,
  lockTimeoutMs: number,
): Promise<RunningStatement[]> {
  // As text: a host may have changed the parsers of other types.
  const rows = await sql.query<Record<'pid' | 'progress' | 'patient' | 'blockers' | 'canceled', string | null>>(
    RUNNING_STATEMENTS,
    [...toParameters(leftovers), toMarker(leftovers.schema), lockTimeoutMs / 1000],
  );
  return rows.map(({ pid, progress, patient, blockers, canceled }) => ({
    pid: Number(pid),
    progress: progress ?? undefined,
    waitsForTransactions: patient === 'true',
    blockers: blockers ?? undefined,
    isCanceled: canceled === 'true',
  }));
}
