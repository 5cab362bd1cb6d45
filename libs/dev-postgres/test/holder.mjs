// An application with a PostgreSQL of its own: says where it is, answers one more question after SIGINT, and then stops it.
import { startPostgres } from '@prismiq/dev-postgres';
import pg from 'pg';

const { exitsAtOnce, ...options } = JSON.parse(process.argv[2]);
const say = (fact) => process.stdout.write(`${JSON.stringify(fact)}\n`);
try {
  const postgres = await startPostgres(options);
  say({ ...postgres });
  if (exitsAtOnce) process.exit();
  process.on('SIGINT', async () => {
    const client = new pg.Client(postgres.url);
    await client.connect();
    say((await client.query('SELECT true AS answered')).rows[0]);
    await client.end();
    await postgres.stop();
    process.exit();
  });
  process.on('SIGTERM', () => postgres.stop().then(() => process.exit()));
  setInterval(() => undefined, 60_000);
} catch (error) {
  say({ error: error.message });
}
