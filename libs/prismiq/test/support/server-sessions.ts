import { Client } from 'pg';

/**
 * Settings of the server connections behind a pooler, as its next clients find them.
 *
 * @param connections how many to look at, at the same time
 */
export async function serverSessions(
  url: string,
  connections: number,
  settings: readonly string[],
): Promise<Record<string, string>[]> {
  const clients = await Promise.all(
    Array.from({ length: connections }, async () => {
      const client = new Client({ connectionString: url });
      await client.connect();
      // In a transaction, each has a server connection of its own.
      await client.query('BEGIN');
      return client;
    }),
  );
  return Promise.all(
    clients.map(async (client) => {
      const columns = settings.map((name) => `current_setting('${name}') AS ${name}`);
      const { rows } = await client.query<Record<string, string>>(`SELECT ${columns.join(', ')}`);
      await client.query('ROLLBACK');
      await client.end();
      return rows[0]!;
    }),
  );
}
