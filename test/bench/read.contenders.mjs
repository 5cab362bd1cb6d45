import { MikroORM } from '@mikro-orm/postgresql';
import { DashboardRepository, PRISMIQ_ENTITIES, PrismiqDashboard, PrismiqWidget, TenantContext } from '@prismiq/nestjs';
import { openPool } from './support/database.mjs';
import { ormOptions, startHost } from './support/host.mjs';
import { USER } from './support/tenants.mjs';

const LIMIT = 50;
const MEMBERS = [
  'id',
  'name',
  'description',
  'ownerId',
  'isPublic',
  'allowedViewers',
  'version',
  'createdAt',
  'updatedAt',
];
const WIDGET_MEMBERS = ['id', 'type', 'title', 'query', 'position', 'config', 'createdAt', 'updatedAt'];

const pick = (members, record) => Object.fromEntries(members.map((member) => [member, record[member]]));
const byPlace = (a, b) => a.position.y - b.position.y || a.position.x - b.position.x;

/** Raw `pg`: one statement by hand, as fast as it can be written with values bound and nothing prepared. */
export function floor(url, connections) {
  const pool = openPool(url, connections);
  const columns = `d.id, d.name, d.description, d.owner_id AS "ownerId", d.is_public AS "isPublic",
    d.allowed_viewers AS "allowedViewers", d.version, d.created_at AS "createdAt", d.updated_at AS "updatedAt"`;
  const visible = 'd.tenant_id = $1 AND (d.is_public OR d.owner_id = $2 OR $2 = ANY(d.allowed_viewers))';
  const withDates = (widget) => {
    widget.createdAt = new Date(widget.createdAt);
    widget.updatedAt = new Date(widget.updatedAt);
    return widget;
  };
  return {
    name: 'raw pg, one statement',
    async get({ tenantId, schema }, id) {
      const { rows } = await pool.query(
        `SELECT ${columns}, d.layout, d.filters, (
           SELECT coalesce(json_agg(w), '[]') FROM (
             SELECT w.id, w.type, w.title, w.query, w.position, w.config,
               w.created_at AS "createdAt", w.updated_at AS "updatedAt"
             FROM "${schema}".prismiq_widgets w WHERE w.dashboard_id = d.id) w) AS widgets
         FROM "${schema}".prismiq_dashboards d WHERE ${visible} AND d.id = $3`,
        [tenantId, USER, id],
      );
      rows[0].widgets = rows[0].widgets.map(withDates).sort(byPlace);
      return rows[0];
    },
    async list({ tenantId, schema }) {
      const { rows } = await pool.query(
        `SELECT ${columns}, (
           SELECT count(*)::int FROM "${schema}".prismiq_widgets w WHERE w.dashboard_id = d.id) AS "widgetCount"
         FROM "${schema}".prismiq_dashboards d WHERE ${visible} ORDER BY d.updated_at DESC, d.id LIMIT $3`,
        [tenantId, USER, LIMIT],
      );
      return rows;
    },
    plainDashboard: (dashboard) => dashboard,
    plainList: (list) => list,
    close: () => pool.end(),
  };
}

/** Plain MikroORM, with the package's entities, as a host would write it. */
export async function plainOrm(url, connections) {
  const orm = await MikroORM.init({ ...ormOptions(url, connections), entities: [...PRISMIQ_ENTITIES] });
  const visible = { $or: [{ isPublic: true }, { ownerId: USER }, { allowedViewers: { $contains: [USER] } }] };
  return {
    name: 'plain MikroORM',
    async get({ tenantId, schema }, id) {
      const em = orm.em.fork();
      const dashboard = await em.findOne(PrismiqDashboard, { id, tenantId, ...visible }, { schema });
      const widgets = await em.find(PrismiqWidget, { dashboard: id }, { schema });
      return { dashboard, widgets: widgets.sort(byPlace) };
    },
    async list({ tenantId, schema }) {
      const em = orm.em.fork();
      const dashboards = await em.find(
        PrismiqDashboard,
        { tenantId, ...visible },
        { schema, fields: MEMBERS, orderBy: { updatedAt: 'desc', id: 'asc' }, limit: LIMIT },
      );
      const where = { dashboard: dashboards.map(({ id }) => id) };
      return { dashboards, counts: await em.countBy(PrismiqWidget, 'dashboard', { schema, where }) };
    },
    plainDashboard: ({ dashboard, widgets }) => ({
      ...pick([...MEMBERS, 'layout', 'filters'], dashboard),
      widgets: widgets.map((widget) => pick(WIDGET_MEMBERS, widget)),
    }),
    plainList: ({ dashboards, counts }) =>
      dashboards.map((dashboard) => ({ ...pick(MEMBERS, dashboard), widgetCount: counts[dashboard.id] ?? 0 })),
    close: () => orm.close(true),
  };
}

/** The package, in a Nest application. */
export async function ours(url, connections) {
  const app = await startHost(url, connections);
  const [tenants, dashboards] = [app.get(TenantContext), app.get(DashboardRepository)];
  const as = ({ tenantId }) => ({ tenantId, userId: USER });
  return {
    name: '@prismiq/nestjs',
    get: (tenant, id) => tenants.runInTenant(as(tenant), () => dashboards.get(id)),
    list: (tenant) => tenants.runInTenant(as(tenant), () => dashboards.listSummaries({ limit: LIMIT })),
    plainDashboard: (dashboard) => dashboard,
    plainList: ({ items }) => items,
    close: () => app.close(),
  };
}
