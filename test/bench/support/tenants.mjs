import { prismiqSchemaSql } from '@prismiq/nestjs';
import { openPool } from './database.mjs';
import { FILTERS, LAYOUT, widgets } from './documents.mjs';
import { load } from './rounds.mjs';

/** Who reads: sees what is public, what is hers, and what lists her. */
export const USER = 'ada';

const CONNECTIONS = 8;

/**
 * Makes tenants with a schema each, and in each the same dashboards: a third is the reader's own, a third lists her, a
 * third is public. One in ten belongs to another user, and she cannot see it.
 *
 * @param {string} url
 * @param {{ tenants: number, dashboards: number, widgetsEach: number }} size `dashboards`: those visible
 * @returns {Promise<{ tenantId: string, schema: string, ids: string[], ownIds: string[] }[]>} with the ids of the dashboards that
 *   the reader sees, and of those that she owns
 */
export async function makeTenants(url, { tenants, dashboards, widgetsEach }) {
  const pool = openPool(url, CONNECTIONS);
  const made = [];
  let next = 0;
  const makeOne = async () => {
    const tenantId = `t${String((next += 1)).padStart(4, '0')}`;
    made.push(await makeTenant(pool, tenantId, dashboards, JSON.stringify(widgets(widgetsEach))));
  };
  try {
    await load(makeOne, { callers: CONNECTIONS, operations: tenants });
    // Afterwards, since a transaction elsewhere, such as the making of another tenant, keeps VACUUM from marking pages.
    await pool.query('VACUUM (ANALYZE)');
    await pool.query('CHECKPOINT');
  } finally {
    await pool.end();
  }
  return made.sort((a, b) => (a.tenantId < b.tenantId ? -1 : 1));
}

async function makeTenant(pool, tenantId, dashboards, set) {
  const schema = `tenant_${tenantId}`;
  await pool.query(`BEGIN; CREATE SCHEMA ${schema}; ${prismiqSchemaSql({ schema })} COMMIT`);
  const { rows } = await pool.query(
    `INSERT INTO ${schema}.prismiq_dashboards
       (tenant_id, name, description, layout, filters, owner_id, is_public, allowed_viewers, created_at, updated_at)
     SELECT $1, 'Dashboard ' || n, 'What the team of region ' || n || ' looks at on Mondays', $2::jsonb, $3::jsonb,
       CASE WHEN n <= $4 AND n % 3 = 0 THEN $5 ELSE 'grace' END, n <= $4 AND n % 3 = 1,
       CASE WHEN n <= $4 AND n % 3 = 2 THEN ARRAY['linus', $5] ELSE ARRAY['linus'] END,
       now() - n * interval '2 hours', now() - n * interval '90 minutes'
     FROM generate_series(1, $4 + $4 / 10) n
     RETURNING id, is_public OR owner_id = $5 OR $5 = ANY(allowed_viewers) AS visible, owner_id = $5 AS own`,
    [tenantId, JSON.stringify(LAYOUT), JSON.stringify(FILTERS), dashboards, USER],
  );
  await pool.query(
    `INSERT INTO ${schema}.prismiq_widgets (dashboard_id, type, title, query, position, config)
     SELECT d.id, w->>'type', w->>'title', w->'query', w->'position', w->'config'
     FROM ${schema}.prismiq_dashboards d, jsonb_array_elements($1::jsonb) w
     ORDER BY d.id`,
    [set],
  );
  const getIds = (chosen) => chosen.map(({ id }) => id);
  const visible = rows.filter((row) => row.visible);
  return { tenantId, schema, ids: getIds(visible), ownIds: getIds(visible.filter(({ own }) => own)) };
}
