import { randomUUID } from 'node:crypto';
import { PLATFORMS } from './support/host.js';
import { RestHost } from './support/rest-hosts.js';

const QUERY = { tables: [{ id: 'o', name: 'orders' }], columns: [{ table_id: 'o', column: 'amount' }] };
const WIDGET = { type: 'text', title: 'W', position: { x: 0, y: 0, w: 1, h: 1 } };

describe.each(PLATFORMS)('entity tags and versions on %s', (platform) => {
  let host: RestHost;
  /** A dashboard of version 3, and its widget. */
  let id: string;
  let wid: string;
  beforeAll(async () => {
    host = await RestHost.start(platform);
  });
  beforeEach(async () => {
    const { body } = await host.send('POST', '/dashboards', { name: randomUUID(), widgets: [WIDGET] });
    [id, wid] = [body.id, body.widgets[0].id];
    await host.send('PATCH', `/dashboards/${id}`, { description: '2' });
    await host.send('PATCH', `/dashboards/${id}`, { description: '3' });
  });
  afterEach(() => host.clear());
  afterAll(() => host.close());

  const versionNow = async () => (await host.send('GET', `/dashboards/${id}`)).body.version;
  const STALE = { detail: expect.stringMatching(/changed meanwhile/), current_version: 3 };

  it('every answer may be cached by its user only, and must be revalidated', async () => {
    const at = `/dashboards/${id}`;
    const answers = [
      host.send('GET', '/dashboards'),
      host.send('GET', '/dashboards?limit=1&fields=summary'),
      host.send('GET', '/saved-queries'),
      host.send('GET', at),
      host.send('GET', at, undefined, { headers: { 'If-None-Match': '"3"' } }),
      host.send('GET', `${at}/export`),
      host.send('POST', '/dashboards', { name: 'x' }),
      host.send('PATCH', at, { name: '' }),
      host.send('PATCH', at, {}, { headers: { 'If-Match': 'x' } }),
      host.send('PATCH', at, {}, { headers: { 'X-Tenant-ID': 'globex' } }),
      host.send('GET', `/dashboards/${randomUUID()}`),
      host.send('GET', '/nothing'),
      host.send('DELETE', '/dashboards'),
      host.send('POST', `${at}/widgets/${wid}/execute`),
    ];
    expect((await Promise.all(answers)).map((answer) => [answer.status, answer.headers['cache-control']])).toEqual(
      [200, 200, 200, 200, 304, 200, 201, 422, 400, 403, 404, 404, 405, 501].map((status) => [
        status,
        // The rows of a widget belong in no cache at all.
        status === 501 ? 'no-store' : 'private, no-cache',
      ]),
    );
  });

  it('are on every answer with one dashboard, widget or saved query', async () => {
    const fetchTag = async (...request: Parameters<RestHost['send']>) => {
      const { headers } = await host.send(...request);
      expect(headers['cache-control']).toBe('private, no-cache');
      return headers.etag;
    };
    expect(await fetchTag('GET', `/dashboards/${id}`)).toBe('"3"');
    expect(await fetchTag('PATCH', `/dashboards/${id}`, {})).toBe('"3"');
    expect(await fetchTag('PUT', `/dashboards/${id}/layout`, [])).toBe('"3"');
    expect(await fetchTag('POST', `/dashboards/${id}/widgets`, WIDGET)).toBe('"4"');
    expect(await fetchTag('PUT', `/dashboards/${id}/widgets/${wid}`, { title: 'x' })).toBe('"5"');
    expect(await fetchTag('POST', `/dashboards/${id}/duplicate`)).toBe('"1"');
    const query = await host.send('POST', '/saved-queries', { name: 'q', query: QUERY });
    expect(await fetchTag('GET', `/saved-queries/${query.body.id}`)).toBe('"1"');
    expect((await host.send('GET', `/dashboards/${id}/export`)).headers.etag).not.toBe('"1"');
  });

  const writes = () =>
    [
      ['PATCH', `/dashboards/${id}`, { name: 'x' }],
      ['PUT', `/dashboards/${id}/layout`, [{ widget_id: wid, position: { ...WIDGET.position, x: 5 } }]],
      ['POST', `/dashboards/${id}/widgets`, WIDGET],
      ['PUT', `/dashboards/${id}/widgets/${wid}`, { title: 'x' }],
      ['PATCH', `/dashboards/${id}/widgets/${wid}`, { title: 'y' }],
      ['POST', `/dashboards/${id}/widgets/${wid}/duplicate`, undefined],
      ['DELETE', `/dashboards/${id}/widgets/${wid}`, undefined],
      ['PUT', `/dashboards/${id}/owner`, { owner_id: 'bob' }],
      ['DELETE', `/dashboards/${id}`, undefined],
    ] as const;

  it.each([
    '"2"',
    '"1", "2"',
    'W/"2"',
    '"2-gzip"',
    '"3-"',

    '"-gzip"',
    '"x"',
    '""',
    '"03"',
    '"3.0"',
    '"99999999999999999999"',
  ])('If-Match: %s refuses every write of version 3 with 412', async (tag) => {
    const before = await host.contents();
    for (const [method, path, body] of writes()) {
      const answer = await host.send(method, path, body, { headers: { 'If-Match': tag } });
      expect([method, answer.status, answer.body]).toEqual([method, 412, { ...STALE, code: 'PRECONDITION_FAILED' }]);
    }
    expect(await host.contents()).toBe(before);
  });

  it.each(['"3"', '*', ' * ', '"2", "3"', 'W/"1" , "3"', '"3",', ',"3"', ' ,\t, "3"', '"a,b", "3"'])(
    'If-Match: %s lets a write of version 3 through',
    async (tag) => {
      const answer = await host.send('PATCH', `/dashboards/${id}`, { name: 'x' }, { headers: { 'If-Match': tag } });
      expect([answer.status, answer.body.version, answer.headers.etag]).toEqual([200, 4, '"4"']);
    },
  );

  // nginx with gzip, Apache with mod_deflate and mod_brotli, Jetty.
  it.each(['W/"3"', '"3-gzip"', 'W/"3-br"', '"3;gzip"', '"3--gzip"', '"1-gzip", "3-gzip"'])(
    '%s is version 3 as a proxy hands it on',
    async (tag) => {
      const headers = { 'If-Match': tag, 'If-None-Match': tag };
      expect((await host.send('GET', `/dashboards/${id}`, undefined, { headers })).status).toBe(304);
      expect((await host.send('PATCH', `/dashboards/${id}`, { name: 'x' }, { headers })).status).toBe(200);
      expect((await host.send('GET', `/dashboards/${id}`, undefined, { headers })).status).toBe(200);
      expect((await host.send('PATCH', `/dashboards/${id}`, { name: 'y' }, { headers })).status).toBe(412);
    },
  );

  it.each([
    '3',
    '"3',
    'W/3',
    '"3" "4"',
    '*, "3"',
    "'3'",
    `,${' '.repeat(4000)}x`,
    `,${' '.repeat(10_000)}x`,
    `"3"${','.repeat(10_000)}`,
  ])('If-Match: %.20s is no list of tags, and refused', async (tag) => {
    const answer = await host.send('PATCH', `/dashboards/${id}`, { name: 'x' }, { headers: { 'If-Match': tag } });
    expect([answer.status, answer.body.detail]).toEqual([400, expect.stringMatching(/If-Match/)]);
    expect(await versionNow()).toBe(3);
  });

  it('a missing record is not found, under any precondition', async () => {
    const headers = { 'If-Match': '"3"' };
    expect((await host.send('PATCH', `/dashboards/${randomUUID()}`, {}, { headers })).status).toBe(404);
    expect((await host.send('DELETE', `/dashboards/${id}`, undefined, { user: 'bob', headers })).status).toBe(404);
  });

  it('a stale version in the body is refused with 409, and the current one is accepted', async () => {
    const before = await host.contents();
    const answer = await host.send('PATCH', `/dashboards/${id}`, { name: 'x', version: 2 });
    expect([answer.status, answer.body]).toEqual([409, { ...STALE, code: 'STALE_VERSION' }]);
    const given = await host.send('PUT', `/dashboards/${id}/owner`, { owner_id: 'bob', version: 2 });
    expect([given.status, given.body]).toEqual([409, { ...STALE, code: 'STALE_VERSION' }]);
    expect(await host.contents()).toBe(before);
    expect((await host.send('PATCH', `/dashboards/${id}`, { name: 'x', version: 3 })).body.version).toBe(4);
    expect((await host.send('PATCH', `/dashboards/${id}`, { name: 'y', version: null })).body.version).toBe(5);
  });

  it('in header and body must both hold', async () => {
    const patch = async (tag: string, version: number) => {
      const headers = { 'If-Match': tag };
      const answer = await host.send('PATCH', `/dashboards/${id}`, { description: 'x', version }, { headers });
      return [answer.status, answer.body.current_version];
    };
    expect(await patch('"2"', 3)).toEqual([412, 3]);
    expect(await patch('"3"', 2)).toEqual([409, 3]);
    expect(await patch('"2"', 2)).toEqual([412, 3]);
    expect(await patch('*', 2)).toEqual([409, 3]);
    expect(await patch('"3"', 3)).toEqual([200, undefined]);
  });

  it('saved queries have both as well', async () => {
    const { body } = await host.send('POST', '/saved-queries', { name: 'q', query: QUERY });
    const path = `/saved-queries/${body.id}`;
    await host.send('PATCH', path, { name: 'r' });
    const stale = { headers: { 'If-Match': '"1"' } };
    expect((await host.send('PATCH', path, { name: 's' }, stale)).status).toBe(412);
    expect((await host.send('DELETE', path, undefined, stale)).status).toBe(412);
    expect((await host.send('PATCH', path, { name: 's', version: 1 })).body).toMatchObject({ current_version: 2 });
    expect((await host.send('PATCH', path, { name: 's', version: 2 })).body.version).toBe(3);
  });

  it.each([
    ['"3"', 304],
    ['W/"3"', 304],
    ['"2", W/"3"', 304],
    ['*', 304],
    ['"2"', 200],
    ['nonsense', 200],
  ])('If-None-Match: %s is answered with %i', async (tag, status) => {
    const answer = await host.send('GET', `/dashboards/${id}`, undefined, { headers: { 'If-None-Match': tag } });
    expect([answer.status, answer.headers.etag, answer.text === '']).toEqual([status, '"3"', status === 304]);
  });

  it('If-None-Match shows nothing to users who may not see the record, and does not prevent a write', async () => {
    const headers = { 'If-None-Match': '"3"' };
    expect((await host.send('GET', `/dashboards/${id}`, undefined, { user: 'bob', headers })).status).toBe(404);
    expect((await host.send('PATCH', `/dashboards/${id}`, {}, { headers })).status).toBe(200);
  });

  it.each(['header', 'body'])(
    'who gives the version in the %s cannot undo what somebody else has done',
    async (place) => {
      // Each adds a word to the description, and starts again if another one was faster.
      const add = async (word: string): Promise<void> => {
        const { description, version } = (await host.send('GET', `/dashboards/${id}`)).body;
        const patch = { description: `${description} ${word}`, ...(place === 'body' ? { version } : {}) };
        const headers: Record<string, string> = place === 'header' ? { 'If-Match': `"${version}"` } : {};
        const { status } = await host.send('PATCH', `/dashboards/${id}`, patch, { headers });
        return status === 200 ? undefined : add(word);
      };
      const words = Array.from({ length: 12 }, (_, n) => `word${n}`);
      await Promise.all(words.map(add));
      const { description, version } = (await host.send('GET', `/dashboards/${id}`)).body;
      expect([description.split(' ').toSorted(), version]).toEqual([['3', ...words].toSorted(), 15]);
    },
  );

  it('without a precondition the last write wins', async () => {
    const stale = (await host.send('GET', `/dashboards/${id}`)).body;
    await host.send('PATCH', `/dashboards/${id}`, { name: 'theirs' });
    const { version: _, ...unversioned } = stale;
    expect((await host.send('PATCH', `/dashboards/${id}`, { ...unversioned, name: 'mine' })).body.name).toBe('mine');
    expect((await host.send('PATCH', `/dashboards/${id}`, { ...stale, name: 'again' })).status).toBe(409);
  });
});
