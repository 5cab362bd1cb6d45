import { randomUUID } from 'node:crypto';
import { schemaNames } from '../../../test/support/catalog.js';
import { bearer, PLATFORMS } from './support/host.js';
import { RestHost } from './support/rest-hosts.js';

const QUERY = { tables: [{ id: 'o', name: 'orders' }], columns: [{ table_id: 'o', column: 'amount' }] };
const POSITION = { x: 0, y: 0, w: 3, h: 2 };
const WIDGET = { type: 'metric', title: 'W', position: POSITION };
const bob = { user: 'bob' };
const nobody = { user: '' };
const root = { user: 'root!' };

/** The numbers are those of the wire contract: M of section 5, S and D of section 8. */
describe.each(PLATFORMS)('where client and upstream server disagree, on %s', (platform) => {
  let host: RestHost;
  beforeAll(async () => {
    host = await RestHost.start(platform);
  });
  afterEach(() => host.clear());
  afterAll(() => host.close());

  const make = async (dashboard: object = {}, sender = {}) =>
    (await host.send('POST', '/dashboards', { name: randomUUID(), ...dashboard }, sender)).body;
  const makeQuery = async (query: object = {}) =>
    (await host.send('POST', '/saved-queries', { name: randomUUID(), query: QUERY, ...query })).body;
  const patch = (id: string, body: object, sender = {}) => host.send('PATCH', `/dashboards/${id}`, body, sender);
  const get = async (id: string) => (await host.send('GET', `/dashboards/${id}`)).body;

  it('M1: PUT updates a widget partially, as PATCH does', async () => {
    const { id, widgets } = await make({ widgets: [{ ...WIDGET, query: QUERY }] });
    for (const method of ['PUT', 'PATCH'] as const) {
      const answer = await host.send(method, `/dashboards/${id}/widgets/${widgets[0].id}`, { title: method });
      expect([answer.status, answer.body]).toEqual([200, expect.objectContaining({ title: method, query: QUERY })]);
    }
  });

  it('M2: deletes answer 200 with JSON', async () => {
    const { id, widgets } = await make({ widgets: [WIDGET] });
    const query = await makeQuery();
    for (const path of [
      `/dashboards/${id}/widgets/${widgets[0].id}`,
      `/dashboards/${id}`,
      `/saved-queries/${query.id}`,
    ]) {
      const answer = await host.send('DELETE', path);
      expect([answer.status, answer.body]).toEqual([200, { success: true, message: expect.any(String) }]);
    }
  });

  it('M3: a new dashboard keeps its filters, and is public if requested', async () => {
    const filters = [{ id: 'f', type: 'text', label: 'L', field: 'c' }];
    expect(await make({ filters, is_public: true })).toMatchObject({ filters, is_public: true });
  });

  it('M4: null clears a description and a query', async () => {
    const { id, widgets } = await make({ description: 'd', widgets: [{ ...WIDGET, query: QUERY }] });
    expect((await patch(id, { description: null })).body.description).toBeNull();
    const path = `/dashboards/${id}/widgets/${widgets[0].id}`;
    expect((await host.send('PUT', path, { query: null })).body.query).toBeNull();
    const sql = await host.send('PUT', path, { config: { raw_sql: 'SELECT 1' } });
    expect([sql.status, sql.body.config]).toEqual([200, { raw_sql: 'SELECT 1' }]);
    const query = await makeQuery({ description: 'd' });
    expect((await host.send('PATCH', `/saved-queries/${query.id}`, { description: null })).body.description).toBeNull();
  });

  it('M5: widgets keep their ids over a full save, and new ones keep the ids of the client', async () => {
    const made = await make({ widgets: [WIDGET, WIDGET] });
    const added = randomUUID();
    const { body } = await patch(made.id, {
      ...made,
      widgets: [...made.widgets, { ...WIDGET, id: added, position: { ...POSITION, y: 9 } }],
    });
    expect(body.widgets.map(({ id }: { id: string }) => id)).toEqual([
      ...made.widgets.map(({ id }: { id: string }) => id),
      added,
    ]);
    expect(body.widgets[0].created_at).toBe(made.widgets[0].created_at);
  });

  it('M6: the minimum and maximum sizes of a widget are kept, also by a layout', async () => {
    const position = { ...POSITION, minW: 1, minH: 1, maxW: 9, maxH: 9 };
    const { id, widgets } = await make({ widgets: [{ ...WIDGET, position }] });
    const moved = [{ widget_id: widgets[0].id, position: { ...POSITION, x: 5 } }];
    expect((await host.send('PUT', `/dashboards/${id}/layout`, moved)).body.widgets[0].position).toEqual({
      ...position,
      x: 5,
    });
  });

  it('M7: a layout has row_height; rowHeight is read, from a client and from the table', async () => {
    expect((await make({ layout: { rowHeight: 70 } })).layout).toMatchObject({ row_height: 70 });
    expect((await make({ layout: { rowHeight: 70, row_height: 80 } })).layout).toMatchObject({ row_height: 80 });
    const { id } = await make();
    await host.database.query(`UPDATE tenant_acme.prismiq_dashboards SET layout = '{"columns": 6, "rowHeight": 90}'`);
    expect((await get(id)).layout).toEqual({ columns: 6, row_height: 90, margin: [10, 10], compact_type: 'vertical' });
  });

  it('M8: compact_type is stored, including null', async () => {
    for (const compact_type of ['horizontal', null]) {
      const { id } = await make({ layout: { compact_type } });
      expect((await get(id)).layout.compact_type).toBe(compact_type);
    }
  });

  it('M9: filters have field and table, and not column and table_id', async () => {
    const filter = { id: 'f', type: 'date_range', label: 'L' };
    expect((await make({ filters: [{ ...filter, field: 'c', table: 't' }] })).filters).toEqual([
      { ...filter, field: 'c', table: 't' },
    ]);
    const refused = await host.send('POST', '/dashboards', {
      name: 'x',
      filters: [{ ...filter, column: 'c', table_id: 't' }],
    });
    expect([refused.status, refused.body.detail[0].loc]).toEqual([422, ['body', 'filters', 0, 'field']]);
  });

  it('M10: unknown members of a config or a query are kept, in their own casing', async () => {
    const config = { x_axis: 'a', xAxis: 'b', yAxis: 'c', showPoints: true, is_new: { deep_key: 1, deepKey: 2 } };
    const query = { ...QUERY, someHint: 'x', other_hint: null };
    const { widgets } = await make({ widgets: [{ ...WIDGET, config, query }] });
    expect(widgets[0]).toMatchObject({ config, query });
  });

  it('M11: a hyperlink next to the config is dropped, the one inside is kept', async () => {
    const hyperlink = { url: 'https://example.com', title: null };
    const { widgets } = await make({ widgets: [{ ...WIDGET, hyperlink, config: { hyperlink } }] });
    expect(widgets[0]).not.toHaveProperty('hyperlink');
    expect(widgets[0].config).toEqual({ hyperlink });
  });

  it('M12, M13, M15: export, import in both forms, and duplicate, which the client does not call', async () => {
    const { id } = await make({ name: 'S', widgets: [WIDGET] });
    const { body: exported } = await host.send('GET', `/dashboards/${id}/export`);
    expect(Object.keys(exported).toSorted()).toEqual([
      'description',
      'filters',
      'layout',
      'name',
      'version',
      'widgets',
    ]);
    const wrapped = await host.send('POST', '/dashboards/import', { export_data: exported, on_conflict: 'rename' });
    expect([wrapped.status, wrapped.body.name]).toEqual([201, 'S (2)']);
    const bare = await host.send('POST', '/dashboards/import', { ...exported, name: 'T' });
    expect([bare.status, bare.body.name, bare.body.widgets.length]).toEqual([201, 'T', 1]);
    const documented = { version: '1.0', dashboard: exported, exported_at: new Date() };
    expect((await host.send('POST', '/dashboards/import', documented)).status).toBe(422);
    expect((await host.send('POST', '/dashboards/import', { export_data: exported })).status).toBe(409);
    const copy = await host.send('POST', `/dashboards/${id}/duplicate`, { name: 'Mine' }, root);
    expect([copy.status, copy.body.name, copy.body.owner_id]).toEqual([201, 'Mine', 'root']);
  });

  it('M14: ids are UUIDs, and anything else is not found', async () => {
    expect((await make()).id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect((await host.send('GET', '/dashboards/1')).status).toBe(404);
  });

  it('M16: the resolver decides who is an admin, not a header', async () => {
    const { id } = await make();
    const claims = { 'X-Is-Admin': 'true', 'X-Admin': '1', 'X-User-Roles': 'admin' };
    expect((await patch(id, {}, { ...bob, headers: claims })).status).toBe(404);
    expect((await patch(id, {}, root)).status).toBe(200);
  });

  it('M18: members that are not set are absent, not null', async () => {
    const filters = [
      { id: 'f', type: 'text', label: 'L', field: 'c', table: null, options: null, default_value: null },
    ];
    const position = { ...POSITION, minW: null, maxH: null };
    const { id } = await make({ filters, widgets: [{ ...WIDGET, position }] });
    await host.database.query(
      `UPDATE tenant_acme.prismiq_dashboards SET filters = '[{"id": "f", "type": "text", "label": "L", "field": "c", "table": null}]'`,
    );
    const read = await get(id);
    expect(read.filters).toEqual([{ id: 'f', type: 'text', label: 'L', field: 'c' }]);
    expect(read.widgets[0]).toMatchObject({ position: POSITION, config: {}, query: null });
    expect(Object.keys(read.widgets[0].position).toSorted()).toEqual(['h', 'w', 'x', 'y']);
  });

  it('M19: times end in Z, everywhere', async () => {
    const dashboard = await make({ widgets: [WIDGET] });
    for (const { created_at, updated_at } of [dashboard, dashboard.widgets[0], await makeQuery()]) {
      expect([created_at, updated_at].map((time) => new Date(time).toISOString())).toEqual([created_at, updated_at]);
    }
  });

  it('M20: ?owner=me lists the caller’s own', async () => {
    await make({ is_public: true });
    const theirs = await make({ is_public: true }, bob);
    const ids = async (path: string, sender = {}) =>
      (await host.send('GET', path, undefined, sender)).body.dashboards.map(({ id }: { id: string }) => id);
    expect(await ids('/dashboards', bob)).toHaveLength(2);
    expect(await ids('/dashboards?owner=me', bob)).toEqual([theirs.id]);
    expect(await ids('/dashboards?owner=me', nobody)).toEqual([]);
  });

  it('S1: no widget can be reached through another dashboard', async () => {
    const hers = await make({ widgets: [WIDGET] });
    const his = await make({}, bob);
    const path = `/dashboards/${his.id}/widgets/${hers.widgets[0].id}`;
    const before = await host.contents();
    for (const [method, at, body] of [
      ['PUT', path, { title: 'x' }],
      ['PATCH', path, { title: 'x' }],
      ['DELETE', path],
      ['POST', `${path}/duplicate`],
    ] as const) {
      expect((await host.send(method, at, body, bob)).body).toEqual({ detail: 'Widget not found', code: 'NOT_FOUND' });
    }
    expect(await host.contents()).toBe(before);
    expect(
      (await patch(his.id, { widgets: [{ ...WIDGET, title: 'taken', id: hers.widgets[0].id }] }, bob)).status,
    ).toBe(200);
    expect((await get(hers.id)).widgets).toEqual(hers.widgets);
  });

  it('S2: nobody can pin what they may not see, since there are no pins', async () => {
    const { id } = await make();
    expect((await host.send('POST', '/pins', { dashboard_id: id, context: 'c' }, bob)).status).toBe(404);
    expect((await host.send('GET', `/dashboards/${id}/pins`, undefined, bob)).status).toBe(404);
  });

  it('S3: nobody else can read or write a private saved query, not even by an empty PATCH', async () => {
    const { id } = await makeQuery();
    for (const sender of [bob, nobody]) {
      expect((await host.send('GET', `/saved-queries/${id}`, undefined, sender)).status).toBe(404);
      expect((await host.send('PATCH', `/saved-queries/${id}`, {}, sender)).status).toBe(404);
      expect((await host.send('DELETE', `/saved-queries/${id}`, undefined, sender)).status).toBe(404);
    }
  });

  it('S4: without a user, lists hold what is public', async () => {
    await make();
    const open = await make({ is_public: true });
    await makeQuery();
    expect((await host.send('GET', '/dashboards', undefined, nobody)).body.dashboards).toEqual([open]);
    expect((await host.send('GET', '/saved-queries', undefined, nobody)).body.queries).toEqual([]);
  });

  it('S5, S6: headers choose neither tenant nor user nor schema', async () => {
    const before = [await host.contents(), await schemaNames(host.database)];
    for (const headers of <Record<string, string>[]>[
      { 'X-Tenant-ID': 'globex' },
      { 'X-User-ID': 'bob' },
      { 'X-Schema-Name': 'tenant_globex' },
      { 'X-Schema-Name': 'nowhere' },
      { 'X-Schema-Name': 'public' },
    ]) {
      const answer = await host.send('POST', '/dashboards', { name: 'x' }, { headers });
      expect([answer.status, answer.body.detail]).toEqual([403, expect.any(String)]);
    }
    expect([await host.contents(), await schemaNames(host.database)]).toEqual(before);
    expect(await host.database.query(`SELECT 1 FROM pg_tables WHERE schemaname = 'public'`)).toEqual([]);
  });

  it.each(['acme\n', 'x'.repeat(64), 'pg"; DROP SCHEMA tenant_acme', ''])(
    'S7: the tenant id %j, which gives no schema name, is refused',
    async (tenant) => {
      const headers = { Authorization: bearer(tenant, 'ada'), 'X-Tenant-ID': 'acme' };
      expect((await host.send('GET', '/dashboards', undefined, { headers })).status).toBe(400);
    },
  );

  it.each([
    { filters: [{ table_id: 'o', column: 'c', operator: 'in_subquery', value: { sql: 'SELECT 1' } }] },
    { filters: [{ table_id: 'o', column: 'c', operator: 'eq', sql_expression: 'SELECT 1' }] },
    { columns: [{ table_id: 'o', column: 'c', sql_expression: 'SELECT 1' }] },
    { calculated_fields: [{ name: 'n', expression: 'a', sql_expression: 'SELECT 1' }] },
  ])('S8: SQL text in a query is refused: %j', async (part) => {
    const query = { ...QUERY, ...part };
    expect((await host.send('POST', '/saved-queries', { name: 'q', query })).status).toBe(422);
    expect((await host.send('POST', '/dashboards', { name: 'd', widgets: [{ ...WIDGET, query }] })).status).toBe(422);
    const { id, widgets } = await make({ widgets: [WIDGET] });
    expect((await host.send('PUT', `/dashboards/${id}/widgets/${widgets[0].id}`, { query })).status).toBe(422);
    const exported = { version: '1.0', name: 'x', widgets: [{ ...WIDGET, query }] };
    expect((await host.send('POST', '/dashboards/import', { export_data: exported })).status).toBe(422);
  });

  it.each(['javascript:alert(1)', 'JaVaScRiPt:alert(1)', ' javascript:x', 'data:text/html,x', '//x', 'http://a\tb'])(
    'S9: the link %j is refused',
    async (url) => {
      const config = { hyperlink: { url } };
      const answer = await host.send('POST', '/dashboards', { name: 'd', widgets: [{ ...WIDGET, config }] });
      expect([answer.status, answer.body.detail[0].loc]).toEqual([
        422,
        ['body', 'widgets', 0, 'config', 'hyperlink', 'url'],
      ]);
    },
  );

  it('S10: admins can read what they may change', async () => {
    const { id } = await make();
    expect((await host.send('GET', `/dashboards/${id}`, undefined, root)).status).toBe(200);
    expect((await host.send('GET', `/dashboards/${id}/export`, undefined, root)).status).toBe(200);
  });

  it('D1: saved queries work', async () => {
    const query = await makeQuery();
    expect((await host.send('GET', '/saved-queries')).body).toEqual({ queries: [query] });
  });

  it('D2: a widget that is refused leaves all widgets as they are', async () => {
    const made = await make({ widgets: [WIDGET, WIDGET] });
    const refused = await patch(made.id, { name: 'x', widgets: [{ ...WIDGET, title: 'x'.repeat(300) }] });
    expect(refused.status).toBe(422);
    expect(await get(made.id)).toEqual(made);
  });

  it('D3: of two simultaneous saves, one set of widgets stays, and one save of the same version is refused', async () => {
    const made = await make({ widgets: [WIDGET] });
    const save = (title: string, version?: number) =>
      patch(made.id, { version, widgets: Array.from({ length: 5 }, () => ({ ...WIDGET, title })) });
    expect((await Promise.all([save('a'), save('b')])).map(({ status }) => status)).toEqual([200, 200]);
    const { version, widgets } = await get(made.id);
    expect(new Set(widgets.map(({ title }: { title: string }) => title)).size).toBe(1);
    expect([widgets.length, version]).toEqual([5, 3]);
    const both = await Promise.all([save('c', 3), save('d', 3)]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    expect(both.find(({ status }) => status === 409)!.body.current_version).toBe(4);
  });

  it('D4: 60 saves at once finish', async () => {
    const made = await make();
    const saves = Array.from({ length: 60 }, (_, n) => patch(made.id, { description: `${n}`, widgets: [WIDGET] }));
    expect(new Set((await Promise.all(saves)).map(({ status }) => status))).toEqual(new Set([200]));
  });

  it('D5: nothing can be written that nobody can read', async () => {
    const { id, widgets } = await make({ widgets: [{ ...WIDGET, query: QUERY }] });
    const path = `/dashboards/${id}/widgets/${widgets[0].id}`;
    for (const position of [{ ...POSITION, y: 'top' }, { ...POSITION, x: -1 }, { ...POSITION, w: 0 }, {}]) {
      expect((await host.send('PUT', path, { position })).status).toBe(422);
      expect(
        (await host.send('PUT', `/dashboards/${id}/layout`, [{ widget_id: widgets[0].id, position }])).status,
      ).toBe(422);
    }
    expect((await host.send('PUT', path, { config: { raw_sql: 'SELECT 1' } })).status).toBe(422);
    expect((await host.send('GET', '/dashboards')).status).toBe(200);
  });

  it('D6: a corrupt row fails neither list nor get nor delete', async () => {
    const { id } = await make({ widgets: [WIDGET, WIDGET] });
    await host.database.query(`UPDATE tenant_acme.prismiq_widgets SET position = '{"y": "top"}', type = 'map'`);
    const { status, body } = await host.send('GET', '/dashboards');
    expect([status, body.dashboards[0].widgets[0].invalid]).toEqual([200, ['type', 'position']]);
    expect((await host.send('GET', `/dashboards/${id}`)).status).toBe(200);
    expect((await host.send('DELETE', `/dashboards/${id}`)).status).toBe(200);
  });

  it('D7: an import with a bad widget writes nothing', async () => {
    const before = await host.contents();
    const widgets = [WIDGET, { type: 'metric', position: POSITION }];
    const answer = await host.send('POST', '/dashboards/import', {
      export_data: { version: '1.0', name: 'x', widgets },
    });
    expect([answer.status, answer.body.detail[0].loc]).toEqual([422, ['body', 'export_data', 'widgets', 1, 'title']]);
    expect(await host.contents()).toBe(before);
  });

  it('D8: a first widget without a config gets an empty one', async () => {
    expect((await make({ widgets: [WIDGET] })).widgets[0].config).toEqual({});
  });

  it('D9, D10: every change raises version and time, those of widgets too', async () => {
    let last = await make({ widgets: [WIDGET] });
    const { id } = last;
    const at = `/dashboards/${id}/widgets`;
    for (const change of [
      () => patch(id, { description: 'x' }),
      () => patch(id, { widgets: [{ ...last.widgets[0], title: 'x' }] }),
      () => host.send('POST', at, WIDGET),
      () => host.send('PUT', `${at}/${last.widgets[0].id}`, { title: 'y' }),
      () => host.send('POST', `${at}/${last.widgets[0].id}/duplicate`),
      () => host.send('DELETE', `${at}/${last.widgets[0].id}`),
      () =>
        host.send('PUT', `/dashboards/${id}/layout`, [
          { widget_id: last.widgets[0].id, position: { ...POSITION, x: 9 } },
        ]),
    ]) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      expect((await change()).status).toBeLessThan(300);
      const now = await get(id);
      expect(now.version).toBe(last.version + 1);
      expect(Date.parse(now.updated_at)).toBeGreaterThan(Date.parse(last.updated_at));
      last = now;
    }
  });

  it('D16: a copy of a widget stays on the grid', async () => {
    const { id, widgets } = await make({
      widgets: [{ ...WIDGET, title: 'x'.repeat(255), position: { ...POSITION, x: 9 } }],
    });
    const { status, body } = await host.send('POST', `/dashboards/${id}/widgets/${widgets[0].id}/duplicate`);
    expect([status, body.position]).toEqual([201, { ...POSITION, x: 9, y: 2 }]);
    expect(body.title).toBe(`${'x'.repeat(248)} (Copy)`);
  });

  it('D17: a name that is taken by an invisible dashboard is a 409', async () => {
    const { name } = await make();
    const mine = await make({}, bob);
    expect((await host.send('POST', '/dashboards', { name }, bob)).status).toBe(409);
    expect((await patch(mine.id, { name }, bob)).status).toBe(409);
    expect((await host.send('POST', '/dashboards/import', { version: '1.0', name }, bob)).status).toBe(409);
  });
});
