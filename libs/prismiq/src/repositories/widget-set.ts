import type { z } from 'zod';
import type { widgetSet } from '../documents/widget.documents.js';
import { Parameters } from '../sql/parameters.js';
import type { SqlExecutor } from '../sql/sql-executor.js';
import { isId, type Scope } from './tenant-repository.js';

/**
 * Makes `set` the widgets of a dashboard, in one statement whatever their number: a widget whose id is on this dashboard is
 * updated in place, others are inserted, those that are not in the set deleted. A new widget keeps the id that its maker gave
 * it if no row has it; so an id can never reach a widget of another dashboard.
 */
export async function replaceWidgets(
  sql: SqlExecutor,
  { widgets }: Scope,
  dashboardId: string,
  set: z.output<typeof widgetSet>,
): Promise<void> {
  const parameters = new Parameters();
  const dashboard = parameters.add(dashboardId);
  const rows = set.map(({ id, ...widget }) => ({ ...widget, id: isId(id) ? id : null }));
  const input = `jsonb_to_recordset(${parameters.json(rows)})
      AS i (id uuid, type text, title text, query jsonb, position jsonb, config jsonb)`;
  await sql.query(
    `WITH input AS MATERIALIZED (SELECT * FROM ${input}),
     deleted AS (
       DELETE FROM ${widgets} w
       WHERE w.dashboard_id = ${dashboard} AND NOT EXISTS (SELECT 1 FROM input i WHERE i.id = w.id)),
     updated AS (
       UPDATE ${widgets} w
       SET type = i.type, title = i.title, query = i.query, position = i.position, config = i.config, updated_at = now()
       FROM input i WHERE w.id = i.id AND w.dashboard_id = ${dashboard})
     INSERT INTO ${widgets} (id, dashboard_id, type, title, query, position, config)
     SELECT CASE WHEN i.id IS NULL OR EXISTS (SELECT 1 FROM ${widgets} w WHERE w.id = i.id)
              THEN gen_random_uuid() ELSE i.id END,
       ${dashboard}, i.type, i.title, i.query, i.position, i.config
     FROM input i
     WHERE NOT EXISTS (SELECT 1 FROM ${widgets} w WHERE w.id = i.id AND w.dashboard_id = ${dashboard})`,
    parameters.values,
  );
}
