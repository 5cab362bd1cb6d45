import { DatabaseError } from '../errors/database.errors.js';
import type { SchemaDifference } from '../errors/schema.errors.js';
import type { SqlExecutor } from '../sql/sql-executor.js';

/**
 * A transaction of the host that is not READ COMMITTED sees the catalog as it was when it began, without what another session has
 * created since.
 */
export async function assertCurrentView(sql: SqlExecutor, schema: string): Promise<void> {
  const [row] = await sql.query<{ level: string }>(`SELECT current_setting('transaction_isolation') AS level`);
  if (row?.level !== 'read committed') {
    throw new DatabaseError(
      `another session has created the tables since this transaction began, which is ${row?.level} and cannot see them. ` +
        'Roll it back and try again, or use READ COMMITTED.',
      { schema, sqlState: '40001' },
    );
  }
}

/** CREATE INDEX IF NOT EXISTS skips a name that another table's index has. The differences then tell which. */
export async function nameOccupants(
  sql: SqlExecutor,
  schema: string,
  left: SchemaDifference[],
): Promise<SchemaDifference[]> {
  const occupants = await sql.query<{ name: string; occupant: string }>(
    `SELECT c.relname AS name, coalesce('an index of table ' || t.relname, 'another relation') AS occupant
     FROM pg_class c
     JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_index x ON x.indexrelid = c.oid
     LEFT JOIN pg_class t ON t.oid = x.indrelid
     WHERE n.nspname = $1 AND c.relname = ANY($2)`,
    [schema, left.filter(({ kind, actual }) => kind === 'index' && actual === undefined).map(({ name }) => name)],
  );
  const byName = new Map(occupants.map(({ name, occupant }) => [name, `${occupant}, which has this name; rename it`]));
  return left.map((difference) => ({ ...difference, actual: difference.actual ?? byName.get(difference.name) }));
}
