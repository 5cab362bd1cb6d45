import { createRequire } from 'node:module';
import pg from 'pg';
import { suiteGuard } from './sql-guard.js';

/** MikroORM may have a copy of its own. */
const requireAsMikroOrm = createRequire(createRequire(import.meta.url).resolve('@mikro-orm/postgresql/package.json'));

for (const { Client, Pool } of new Set([pg, requireAsMikroOrm('pg') as typeof pg])) {
  suiteGuard.watch({ Client, Pool });
}

afterAll(() => {
  const [first] = suiteGuard.violations;
  if (first !== undefined) {
    throw first;
  }
});
