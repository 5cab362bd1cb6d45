import type { z } from 'zod';
import type { widgetSet } from '../../documents/widget.documents.js';
import { Parameters } from '../../sql/parameters.js';
import type { SqlExecutor } from '../../sql/sql-executor.js';
import { dashboardInTenantSql } from '../access.js';
import { isId, type TenantScope } from '../tenant-scope.js';

/**
 * Makes `set` the widgets of a locked dashboard, in one statement whatever their number: a widget whose id is on this dashboard
 * is updated in place, others are inserted, those that are not in the set are deleted. A new widget keeps the id that it came with
 * if no row has it, so an id can never reach a widget of another dashboard. Widgets that stay the same are not touched.
 *
 * Another transaction may insert one of these ids at the same moment, which no statement sees before that is committed. Such a
 * widget is skipped at first, and gets a new id in a second run. Inserts come in the order of their ids, so that two of them
 * cannot wait for each other.
 *
 * @returns whether anything has changed
 */
export async function replaceWidgets(
  sql: SqlExecutor,
  scope: TenantScope,
  dashboardId: string,
  set: z.output<typeof widgetSet>,
): Promise<boolean> {
  const { tenant, dashboards, widgets } = scope;
  const parameters = new Parameters();
  const rows = set.map(({ id, ...widget }) => ({ ...widget, id: isId(id) ? id : null }));
  const [row] = await sql.query<{ changed: boolean; complete: boolean }>(
    `WITH dashboard AS (
       SELECT d.id FROM ${dashboards} d
       WHERE ${dashboardInTenantSql(tenant, parameters)} AND d.id = ${parameters.add(dashboardId)}),
     input AS MATERIALIZED (
       SELECT * FROM jsonb_to_recordset(${parameters.json(rows)})
         AS i (id uuid, type text, title text, query jsonb, position jsonb, config jsonb)),
     deleted AS (
       DELETE FROM ${widgets} w USING dashboard d
       WHERE w.dashboard_id = d.id AND NOT EXISTS (SELECT 1 FROM input i WHERE i.id = w.id)
       RETURNING w.id),
     updated AS (
       UPDATE ${widgets} w
       SET type = i.type, title = i.title, query = i.query, position = i.position, config = i.config, updated_at = now()
       FROM dashboard d, input i
       WHERE w.dashboard_id = d.id AND w.id = i.id
         AND (w.type, w.title, w.query, w.position, w.config) IS DISTINCT FROM (i.type, i.title, i.query, i.position, i.config)
       RETURNING w.id),
     fresh AS (
       SELECT CASE WHEN i.id IS NULL OR EXISTS (SELECT 1 FROM ${widgets} w WHERE w.id = i.id)
                THEN gen_random_uuid() ELSE i.id END AS id,
         d.id AS dashboard_id, i.type, i.title, i.query, i.position, i.config
       FROM dashboard d, input i
       WHERE NOT EXISTS (SELECT 1 FROM ${widgets} w WHERE w.id = i.id AND w.dashboard_id = d.id)),
     inserted AS (
       INSERT INTO ${widgets} (id, dashboard_id, type, title, query, position, config)
       SELECT * FROM fresh ORDER BY id
       ON CONFLICT (id) DO NOTHING
       RETURNING id)
     SELECT EXISTS (SELECT 1 FROM deleted) OR EXISTS (SELECT 1 FROM updated) OR EXISTS (SELECT 1 FROM fresh) AS changed,
       (SELECT count(*) FROM fresh) = (SELECT count(*) FROM inserted) AS complete`,
    parameters.values,
  );
  if (!row!.complete) {
    await replaceWidgets(sql, scope, dashboardId, set);
  }
  return row!.changed;
}

/**
 * Moves widgets of a locked dashboard and, if that changes anything, raises its version, in one statement. Positions are merged, so
 * that `minW` and the like survive where only x, y, w and h come. Ids that are not on the dashboard are ignored.
 *
 * @returns whether anything has changed
 */
export async function moveWidgets(
  sql: SqlExecutor,
  { tenant, dashboards, widgets }: TenantScope,
  dashboardId: string,
  placements: readonly { widgetId: string; position: object }[],
): Promise<boolean> {
  const parameters = new Parameters();
  const merged = `CASE jsonb_typeof(w.position) WHEN 'object' THEN w.position || i.position ELSE i.position END`;
  const dashboard = `${dashboardInTenantSql(tenant, parameters)} AND d.id = ${parameters.add(dashboardId)}`;
  const [row] = await sql.query<{ changed: boolean }>(
    `WITH moved AS (
       UPDATE ${widgets} w SET position = ${merged}, updated_at = now()
       FROM ${dashboards} d, jsonb_to_recordset(${parameters.json(placements)}) AS i ("widgetId" uuid, position jsonb)
       WHERE ${dashboard} AND w.dashboard_id = d.id AND w.id = i."widgetId" AND w.position IS DISTINCT FROM ${merged}
       RETURNING w.id),
     raised AS (
       UPDATE ${dashboards} d SET version = d.version + 1, updated_at = now()
       WHERE ${dashboard} AND EXISTS (SELECT 1 FROM moved))
     SELECT EXISTS (SELECT 1 FROM moved) AS changed`,
    parameters.values,
  );
  return row!.changed;
}
