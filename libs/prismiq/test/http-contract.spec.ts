import { randomUUID } from 'node:crypto';
import type { RawAnswer } from './support/converse.js';
import { PLATFORMS } from './support/host.js';
import { REST_HOSTS, RestHost } from './support/rest-hosts.js';

const QUERY = { tables: [{ id: 'o', name: 'orders' }], columns: [{ table_id: 'o', column: 'amount' }] };
const POSITION = { x: 0, y: 0, w: 3, h: 2 };
const WIDGET = { type: 'metric', title: 'Total', query: QUERY, position: POSITION, config: { x_axis: 'month' } };
const FILTER = { id: 'f', type: 'select', label: 'Region', field: 'region' };
const LAYOUT = { columns: 12, row_height: 60, margin: [16, 16], compact_type: 'vertical' };

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const UUID = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const TIMES = { created_at: ISO, updated_at: ISO };
const SUCCESS = { success: true, message: expect.any(String) };

const widgetShape = (widget: object = {}) => ({ id: UUID, ...WIDGET, ...TIMES, ...widget });
const addedShape = (widget: object = {}) => ({ ...widgetShape(widget), dashboard_version: expect.any(Number) });
const dashboardShape = (dashboard: object = {}) => ({
  id: UUID,
  name: 'Sales',
  description: null,
  layout: LAYOUT,
  filters: [FILTER],
  widgets: [widgetShape()],
  owner_id: 'ada',
  is_public: true,
  allowed_viewers: [],
  version: expect.any(Number),
  ...TIMES,
  ...dashboard,
});
const queryShape = (query: object = {}) => ({
  id: UUID,
  name: 'Revenue',
  description: null,
  query: QUERY,
  tenant_id: 'acme',
  owner_id: 'ada',
  is_shared: true,
  version: expect.any(Number),
  ...TIMES,
  ...query,
});
const EXPORT = {
  version: '1.0',
  name: 'Sales',
  description: null,
  layout: LAYOUT,
  widgets: [WIDGET],
  filters: [FILTER],
};

/** Existing records: the ids that replace `{id}` and the like in a path. */
type Ids = Record<'id' | 'wid' | 'qid', string>;

interface Row {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  body?: (ids: Ids) => unknown;
  status: number;
  shape: unknown;
  /** The errors that the contract names, each by a body that has it, or a sender. */
  invalid?: [body: unknown, loc: (string | number)[]][];
  taken?: (ids: Ids) => unknown;
  writes?: true;
}

/** The tables of sections 3.1 to 3.4, and the additions of section 6, a line each. */
const ROWS: Row[] = [
  { method: 'GET', path: '/dashboards', status: 200, shape: { dashboards: [dashboardShape()] } },
  { method: 'GET', path: '/dashboards/{id}', status: 200, shape: dashboardShape() },
  {
    method: 'POST',
    path: '/dashboards',
    body: () => ({ name: 'New', description: '', layout: LAYOUT, widgets: [], filters: [], is_public: true }),
    status: 201,
    shape: dashboardShape({ name: 'New', description: '', widgets: [], filters: [], version: 1 }),
    invalid: [
      [{}, ['body', 'name']],
      [{ name: ' ' }, ['body', 'name']],
      [{ name: 'x'.repeat(256) }, ['body', 'name']],
      [
        { name: 'x', widgets: [{ ...WIDGET, position: { ...POSITION, w: 0 } }] },
        ['body', 'widgets', 0, 'position', 'w'],
      ],
      [[], ['body']],
    ],
    taken: () => ({ name: 'Sales' }),
  },
  {
    method: 'PATCH',
    path: '/dashboards/{id}',
    body: ({ id, wid }) => ({
      ...dashboardShape(),
      ...TIMES,
      id,
      name: 'Renamed',
      version: 1,
      widgets: [{ ...WIDGET, id: wid }],
    }),
    status: 200,
    shape: dashboardShape({ name: 'Renamed', version: 2 }),
    invalid: [
      [{ is_public: 'yes' }, ['body', 'is_public']],
      [{ version: 'x' }, ['body', 'version']],
      [{ layout: { columns: 0 } }, ['body', 'layout', 'columns']],
    ],
    taken: () => ({ name: 'Other' }),
    writes: true,
  },
  { method: 'DELETE', path: '/dashboards/{id}', status: 200, shape: SUCCESS, writes: true },
  {
    method: 'PUT',
    path: '/dashboards/{id}/layout',
    body: ({ wid }) => [
      { widget_id: wid, position: { x: 1, y: 2, w: 3, h: 4 } },
      { widget_id: randomUUID(), position: POSITION },
    ],
    status: 200,
    shape: dashboardShape({ version: 2, widgets: [widgetShape({ position: { x: 1, y: 2, w: 3, h: 4 } })] }),
    invalid: [
      [{}, ['body']],
      [[{ widget_id: 'x', position: POSITION }], ['body', 0, 'widget_id']],
      [[{ widget_id: randomUUID(), position: { ...POSITION, y: 'top' } }], ['body', 0, 'position', 'y']],
    ],
    writes: true,
  },
  { method: 'GET', path: '/dashboards/{id}/export', status: 200, shape: EXPORT },
  {
    method: 'POST',
    path: '/dashboards/import',
    body: () => ({ export_data: EXPORT, name_override: 'Imported' }),
    status: 201,
    shape: dashboardShape({ name: 'Imported', is_public: false }),
    invalid: [
      [{ export_data: {} }, ['body', 'export_data', 'name']],
      [{ export_data: { ...EXPORT, version: '2' }, name_override: null }, ['body', 'export_data', 'version']],
      [{ export_data: { ...EXPORT, name: 'x', widgets: [{}] } }, ['body', 'export_data', 'widgets', 0, 'type']],
      [{ export_data: EXPORT, on_conflict: 'x' }, ['body', 'on_conflict']],
    ],
    taken: () => ({ export_data: EXPORT }),
  },
  {
    method: 'POST',
    path: '/dashboards/{id}/widgets',
    body: () => ({ type: 'text', title: 'Note', position: POSITION }),
    status: 201,
    shape: addedShape({ type: 'text', title: 'Note', query: null, config: {} }),
    invalid: [
      [{ ...WIDGET, type: 'map' }, ['body', 'type']],
      [{ ...WIDGET, config: { raw_sql: 'SELECT 1' } }, ['body', 'config', 'raw_sql']],
    ],
    writes: true,
  },
  ...(['PUT', 'PATCH'] as const).map((method): Row => ({
    method,
    path: '/dashboards/{id}/widgets/{wid}',
    body: () => ({ title: 'Changed', query: null }),
    status: 200,
    shape: addedShape({ title: 'Changed', query: null }),
    invalid: [
      [{ title: 'x'.repeat(256) }, ['body', 'title']],
      [{ config: { raw_sql: 'SELECT 1' } }, ['body', 'config', 'raw_sql']],
    ],
    writes: true,
  })),
  { method: 'DELETE', path: '/dashboards/{id}/widgets/{wid}', status: 200, shape: SUCCESS, writes: true },
  {
    method: 'POST',
    path: '/dashboards/{id}/widgets/{wid}/duplicate',
    status: 201,
    shape: addedShape({ title: 'Total (Copy)', position: { ...POSITION, x: 1 } }),
    writes: true,
  },
  {
    method: 'POST',
    path: '/dashboards/{id}/widgets/{wid}/execute',
    body: () => [{ filter_id: 'f', value: 1 }],
    status: 501,
    shape: { detail: expect.stringMatching(/query engine/) },
  },
  { method: 'GET', path: '/saved-queries', status: 200, shape: { queries: [queryShape()] } },
  { method: 'GET', path: '/saved-queries/{qid}', status: 200, shape: queryShape() },
  {
    method: 'POST',
    path: '/saved-queries',
    body: () => ({ name: 'New', query: QUERY }),
    status: 201,
    shape: queryShape({ name: 'New', is_shared: false }),
    invalid: [
      [{ name: 'x' }, ['body', 'query']],
      [{ name: 'x', query: { raw_sql: 'SELECT 1' } }, ['body', 'query', 'tables']],
      [
        { name: 'x', query: { ...QUERY, filters: [{ table_id: 'o', column: 'x', operator: 'in_subquery' }] } },
        ['body', 'query', 'filters', 0, 'operator'],
      ],
    ],
    taken: () => ({ name: 'Revenue', query: QUERY }),
  },
  {
    method: 'PATCH',
    path: '/saved-queries/{qid}',
    body: () => ({ name: 'Renamed', version: 1 }),
    status: 200,
    shape: queryShape({ name: 'Renamed', version: 2 }),
    invalid: [[{ query: {} }, ['body', 'query', 'tables']]],
    taken: () => ({ name: 'Other' }),
    writes: true,
  },
  { method: 'DELETE', path: '/saved-queries/{qid}', status: 200, shape: SUCCESS, writes: true },
  ...(
    [
      ['GET', '/dashboards/{id}/pins'],
      ['POST', '/pins'],
      ['DELETE', '/pins'],
      ['GET', '/pins?context=home'],
      ['PUT', '/pins/order'],
    ] as const
  ).map(([method, path]): Row => ({ method, path, status: 404, shape: { detail: 'Not Found' } })),
  {
    method: 'POST',
    path: '/dashboards/{id}/duplicate',
    status: 201,
    shape: dashboardShape({ name: 'Sales (Copy)', is_public: false, version: 1 }),
    invalid: [[{ name: 7 }, ['body', 'name']]],
  },
  {
    method: 'PUT',
    path: '/dashboards/{id}/owner',
    body: () => ({ owner_id: 'bob' }),
    status: 200,
    shape: SUCCESS,
    invalid: [
      [{}, ['body', 'owner_id']],
      [{ owner_id: '' }, ['body', 'owner_id']],
    ],
    writes: true,
  },
];

const named = (row: Row) => [`${row.method} ${row.path}`, row] as const;
const CHANGES = ROWS.filter(({ writes }) => writes);
const READS = ROWS.filter(({ path, status, writes }) => /\{.?id\}/.test(path) && status < 400 && !writes);

describe.each(PLATFORMS)('the wire contract on %s', (platform) => {
  describe.each(REST_HOSTS)('behind %s', (hostName) => {
    let host: RestHost;
    let ids: Ids;

    beforeAll(async () => {
      host = await RestHost.start(platform, hostName);
    });
    beforeEach(async () => {
      await host.clear();
      const dashboard = await host.send('POST', '/dashboards', {
        name: 'Sales',
        is_public: true,
        layout: LAYOUT,
        filters: [FILTER],
        widgets: [WIDGET],
      });
      const query = await host.send('POST', '/saved-queries', { name: 'Revenue', query: QUERY, is_shared: true });
      ids = { id: dashboard.body.id, wid: dashboard.body.widgets[0].id, qid: query.body.id };
    });
    afterAll(() => host.close());

    const send = ({ method, path, body }: Row, { of = ids, as = 'ada' }: { of?: Ids; as?: string } = {}) =>
      host.send(
        method,
        path.replace(/\{(\w+)\}/g, (_, id: keyof Ids) => of[id]),
        body?.(ids),
        { user: as },
      );

    /** What each error has in common. */
    const expectDetail = ({ status, headers, body }: RawAnswer, expected: number, detail: unknown) => {
      expect([status, body.detail]).toEqual([expected, detail]);
      expect(headers['content-type']).toMatch(/^application\/json/);
    };

    it.each(ROWS.map(named))('%s: status and shape', async (_, row) => {
      const { status, headers, body } = await send(row);
      expect([status, body]).toEqual([row.status, row.shape]);
      expect(headers['content-type']).toMatch(/^application\/json/);
    });

    it.each(ROWS.filter(({ invalid }) => invalid).map(named))('%s: 422 with the place of the fault', async (_, row) => {
      const before = await host.contents();
      for (const [body, loc] of row.invalid!) {
        const answer = await send({ ...row, body: () => body });
        const fault = { type: expect.any(String), loc, msg: expect.any(String) };
        expectDetail(answer, 422, expect.arrayContaining([expect.objectContaining(fault)]));
        for (const { input, ...rest } of answer.body.detail) {
          expect(Object.keys(rest).toSorted()).toEqual(['loc', 'msg', 'type']);
          expect(JSON.stringify(input).length).toBeLessThan(200);
        }
      }
      expect(await host.contents()).toBe(before);
    });

    it.each(ROWS.filter(({ taken }) => taken).map(named))('%s: 409 for a name in use', async (_, row) => {
      await host.send('POST', '/dashboards', { name: 'Other' }, { user: 'bob' });
      await host.send('POST', '/saved-queries', { name: 'Other', query: QUERY }, { user: 'bob' });
      const before = await host.contents();
      expectDetail(await send({ ...row, body: row.taken! }), 409, expect.stringMatching(/already exists/));
      expect(await host.contents()).toBe(before);
    });

    it.each(CHANGES.map(named))('%s: 403 for who may see and not change, 404 for who may not see', async (_, row) => {
      const before = await host.contents();
      expectDetail(await send(row, { as: 'bob' }), 403, 'Permission denied');
      expectDetail(await send(row, { as: '' }), 403, 'Permission denied');
      expect(await host.contents()).toBe(before);
      await host.send('PATCH', `/dashboards/${ids.id}`, { is_public: false });
      await host.send('PATCH', `/saved-queries/${ids.qid}`, { is_shared: false });
      expectDetail(await send(row, { as: 'bob' }), 404, expect.stringMatching(/not found$/));
    });

    it.each([...READS, ...CHANGES].map(named))('%s: 404 for an id that is unknown or none', async (_, row) => {
      const before = await host.contents();
      for (const id of [randomUUID(), '1', '99999999999999999999', 'null', 'x'.repeat(90), '%00', "'"]) {
        const of = { id, wid: id, qid: id };
        expectDetail(await send(row, { of }), 404, expect.stringMatching(/^(Dashboard|Widget|Saved query) not found$/));
        if (row.path.includes('{wid}')) {
          expectDetail(await send(row, { of: { ...ids, wid: id } }), 404, 'Widget not found');
        }
      }
      expect(await host.contents()).toBe(before);
    });

    it.each(READS.map(named))('%s: 404 for who may not see', async (_, row) => {
      await host.send('PATCH', `/dashboards/${ids.id}`, { is_public: false });
      await host.send('PATCH', `/saved-queries/${ids.qid}`, { is_shared: false });
      expectDetail(await send(row, { as: 'bob' }), 404, expect.stringMatching(/not found$/));
      expectDetail(await send(row, { as: '' }), 404, expect.stringMatching(/not found$/));
      expect((await send(row, { as: 'root!' })).status).toBe(row.status);
    });

    it('405 for a wrong method, and 404 for an unknown path, with detail', async () => {
      expectDetail(await host.send('PUT', '/dashboards'), 405, 'Method Not Allowed');
      expectDetail(await host.send('GET', '/nothing'), 404, 'Not Found');
      expectDetail(await host.send('POST', '/dashboards/x/nothing'), 404, 'Not Found');
    });

    it('413 for what is too large, naming size and limit', async () => {
      const many = { name: 'x', widgets: Array.from({ length: 201 }, () => WIDGET) };
      expectDetail(await host.send('POST', '/dashboards', many), 413, expect.stringMatching(/201 widgets.* 200 are/));
      const large = { ...WIDGET, config: { content: 'x'.repeat(300_000) } };
      expectDetail(
        await host.send('POST', `/dashboards/${ids.id}/widgets`, large),
        413,
        expect.stringMatching(/262144/),
      );
      const huge = { ...WIDGET, config: { content: 'x'.repeat(1024 * 1024) } };
      const answer = await host.send('POST', `/dashboards/${ids.id}/widgets`, huge);
      expectDetail(
        answer,
        413,
        expect.stringMatching(/^Too large: the body has \d{7} bytes, and 1048576 are allowed.$/),
      );
    });

    it('403 for a header that names another user, 500 without internal details', async () => {
      const other = { headers: { 'X-Tenant-ID': 'globex' } };
      expectDetail(await host.send('GET', '/dashboards', undefined, other), 403, expect.stringMatching(/X-Tenant-ID/));
      await host.database.query('ALTER TABLE tenant_acme.prismiq_saved_queries RENAME TO away');
      await host.database.query(
        'CREATE VIEW tenant_acme.prismiq_saved_queries AS SELECT 1 / 0 AS id, * FROM (SELECT 1) x',
      );
      const answer = await host.send('DELETE', `/saved-queries/${ids.qid}`);
      await host.database.query('DROP VIEW tenant_acme.prismiq_saved_queries');
      await host.database.query('ALTER TABLE tenant_acme.away RENAME TO prismiq_saved_queries');
      expect(answer.status).toBeGreaterThanOrEqual(500);
      expect(answer.body).toEqual({ detail: expect.any(String), request_id: UUID });
      expect(answer.text).not.toMatch(/prismiq_|SELECT|node_modules/);
    });
  });
});
