import { PLATFORMS } from './support/host.js';
import { RestHost } from './support/rest-hosts.js';

const QUERY = { tables: [{ id: 'o', name: 'orders' }], columns: [{ table_id: 'o', column: 'amount' }] };
const WIDGET = { type: 'text', title: 'W', position: { x: 0, y: 0, w: 1, h: 1 } };

describe.each(PLATFORMS)('lists on %s', (platform) => {
  let host: RestHost;
  beforeAll(async () => {
    host = await RestHost.start(platform);
    for (const name of ['beta', 'Alpha', 'gamma 100%', 'delta']) {
      await host.send('POST', '/dashboards', {
        name,
        description: `about ${name}`,
        widgets: [WIDGET],
        is_public: true,
      });
      await host.send('POST', '/saved-queries', { name, query: QUERY, is_shared: name !== 'delta' });
    }
  });
  afterAll(() => host.close());

  const names = async (path: string) => {
    const { body } = await host.send('GET', path);
    return (body.dashboards ?? body.queries).map(({ name }: { name: string }) => name);
  };

  it('are complete, with widgets, without parameters', async () => {
    for (const path of ['/dashboards', '/dashboards?', '/dashboards?_=1&tag=x']) {
      const { body } = await host.send('GET', path);
      expect(Object.keys(body)).toEqual(['dashboards']);
      expect(body.dashboards.map(({ widgets }: { widgets: object[] }) => widgets.length)).toEqual([1, 1, 1, 1]);
    }
  });

  it('can be searched, sorted, and read page by page', async () => {
    expect(await names('/dashboards?q=A%20be')).toEqual([]);
    expect(await names('/dashboards?q=00%25')).toEqual(['gamma 100%']);
    expect(await names('/dashboards?q=LPH')).toEqual(['Alpha']);
    expect(await names('/dashboards?sort=created_at&order=asc')).toEqual(['beta', 'Alpha', 'gamma 100%', 'delta']);
    expect(await names('/dashboards?sort=updated_at')).toEqual(['delta', 'gamma 100%', 'Alpha', 'beta']);
    expect(await names('/saved-queries?order=desc')).toEqual((await names('/saved-queries?sort=name')).toReversed());
    for (const list of ['dashboards', 'saved-queries']) {
      const seen: string[] = [];
      for (let cursor = ''; ;) {
        const { status, body } = await host.send('GET', `/${list}?limit=3&total=true${cursor}`);
        expect([status, body.total]).toEqual([200, 4]);
        seen.push(...(body.dashboards ?? body.queries).map(({ name }: { name: string }) => name));
        if (body.next_cursor === null) {
          break;
        }
        cursor = `&cursor=${encodeURIComponent(body.next_cursor)}`;
      }
      expect(seen.toSorted()).toEqual(['Alpha', 'beta', 'delta', 'gamma 100%']);
    }
  });

  it('can be summaries', async () => {
    const { body } = await host.send('GET', '/dashboards?fields=summary&limit=1');
    expect(body).toEqual({
      dashboards: [
        {
          id: expect.any(String),
          name: 'delta',
          description: 'about delta',
          owner_id: 'ada',
          is_public: true,
          allowed_viewers: [],
          version: 1,
          widget_count: 1,
          created_at: expect.any(String),
          updated_at: expect.any(String),
        },
      ],
      next_cursor: expect.any(String),
    });
  });

  it.each([
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['limit=x', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=', 'limit'],
    ['sort=owner_id', 'sort'],
    ['order=up', 'order'],
    ['owner=bob', 'owner'],
    ['total=1', 'total'],
    ['cursor=x', 'cursor'],
    ['q=a&q=b', 'q'],
    ['sort=name&sort=name', 'sort'],
    ['q=%00', 'q'],
  ])('?%s is answered with 422, and the parameter at fault', async (query, parameter) => {
    for (const list of ['dashboards', 'saved-queries']) {
      const { status, body } = await host.send('GET', `/${list}?${query}`);
      expect([status, body.detail[0]?.loc]).toEqual([422, ['query', parameter]]);
    }
  });
});
