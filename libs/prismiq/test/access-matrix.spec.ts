import type { INestApplication } from '@nestjs/common';
import {
  DashboardRepository,
  ensureTables,
  PrismiqModule,
  SavedQueryRepository,
  TenantContext,
  WidgetRepository,
  type TenantIdentity,
} from '@prismiq/nestjs';
import { TestDatabase } from '../../../test/support/test-database.js';
import { boot, ormModule, resolver } from './support/host.js';

/** Who asks of a dashboard that ada owns, that cleo may view and that is public or not; or of a query that is shared or not. */
const PEOPLE = {
  owner: { tenantId: 'acme', userId: 'ada' },
  viewer: { tenantId: 'acme', userId: 'cleo' },
  'public reader': { tenantId: 'acme', userId: 'bob' },
  'other user': { tenantId: 'acme', userId: 'bob' },
  admin: { tenantId: 'acme', userId: 'root', isAdmin: true },
  'no user': { tenantId: 'acme' },
  'user of another tenant': { tenantId: 'globex', userId: 'ada' },
  'admin of another tenant': { tenantId: 'globex', userId: 'ada', isAdmin: true },
} satisfies Record<string, TenantIdentity>;
type Person = keyof typeof PEOPLE;

const SEES: Record<Person, string> = {
  owner: 'ok',
  viewer: 'ok',
  'public reader': 'ok',
  'other user': 'NOT_FOUND',
  admin: 'ok',
  'no user': 'NOT_FOUND',
  'user of another tenant': 'NOT_FOUND',
  'admin of another tenant': 'NOT_FOUND',
};
/** What one may see and not change is forbidden; what one may not see is not found. */
const CHANGES: Record<Person, string> = { ...SEES, viewer: 'FORBIDDEN', 'public reader': 'FORBIDDEN' };
const EVERYBODY = Object.fromEntries(Object.keys(PEOPLE).map((person) => [person, 'ok'])) as Record<Person, string>;
/** For another user: admins, and the user concerned. In another tenant there is no such user. */
const ACTS_FOR_ADA: Record<Person, string> = {
  ...EVERYBODY,
  viewer: 'FORBIDDEN',
  'public reader': 'FORBIDDEN',
  'other user': 'FORBIDDEN',
  'no user': 'FORBIDDEN',
};
/** Nobody is a viewer of a saved query. */
const forQueries = (rule: Record<Person, string>) => ({ ...rule, viewer: rule['other user'] });

const QUERY = { tables: [{ id: 'o', name: 'orders' }], columns: [{ table_id: 'o', column: 'amount' }] };
const RAW_SQL = 'SELECT 1';
const WIDGET = {
  type: 'text' as const,
  title: 'W',
  position: { x: 0, y: 0, w: 1, h: 1 },
  config: { raw_sql: RAW_SQL },
};

describe('who may do what', () => {
  let database: TestDatabase;
  let app: INestApplication;
  let ids: { dashboard: string; widget: string; query: string };

  beforeAll(async () => {
    database = await TestDatabase.create();
    await ensureTables(database.pool, { schema: 'everybody', createSchema: true });
    // One schema for both tenants: what keeps them apart is the rule under test.
    app = await boot({
      imports: [ormModule(database), PrismiqModule.forRoot({ resolver, schemaFor: () => 'everybody' })],
    });
  });
  afterAll(async () => {
    await app.close();
    await database.close();
  });

  const dashboards = () => app.get(DashboardRepository);
  const widgets = () => app.get(WidgetRepository);
  const internals = () => widgets() as unknown as { hasSql(sql: string): Promise<boolean> };
  const queries = () => app.get(SavedQueryRepository);
  const as = <T>(person: Person, work: () => Promise<T>): Promise<T> =>
    app.get(TenantContext).runInTenant(PEOPLE[person], work);

  /** Every operation, the rule for it, and how to call it. A method without a row fails the test below. */
  const OPERATIONS: Record<string, [rule: Record<Person, string>, call: () => Promise<unknown>]> = {
    'DashboardRepository.create': [EVERYBODY, () => dashboards().create({ name: 'New' })],
    'DashboardRepository.get': [SEES, () => dashboards().get(ids.dashboard)],
    'DashboardRepository.list': [SEES, async () => found(await dashboards().list(), ids.dashboard)],
    'DashboardRepository.listPage': [SEES, async () => found((await dashboards().listPage()).items, ids.dashboard)],
    'DashboardRepository.listSummaries': [
      SEES,
      async () => found((await dashboards().listSummaries()).items, ids.dashboard),
    ],
    'DashboardRepository.update': [CHANGES, () => dashboards().update(ids.dashboard, { name: 'X', widgets: [] })],
    'DashboardRepository.updateLayout': [
      CHANGES,
      () => dashboards().updateLayout(ids.dashboard, [{ widgetId: ids.widget, position: { x: 9, y: 9, w: 9, h: 9 } }]),
    ],
    'DashboardRepository.duplicate': [SEES, () => dashboards().duplicate(ids.dashboard)],
    'DashboardRepository.export': [SEES, () => dashboards().export(ids.dashboard)],
    'DashboardRepository.import': [EVERYBODY, () => dashboards().import({ version: '1.0', name: 'New' })],
    'DashboardRepository.transferOwnership': [CHANGES, () => dashboards().transferOwnership(ids.dashboard, 'eve')],
    'DashboardRepository.transferAllOwnership': [ACTS_FOR_ADA, () => dashboards().transferAllOwnership('ada', 'eve')],
    'DashboardRepository.removeViewer': [ACTS_FOR_ADA, () => dashboards().removeViewer('ada')],
    'DashboardRepository.delete': [CHANGES, () => dashboards().delete(ids.dashboard)],
    'WidgetRepository.create': [CHANGES, () => widgets().create(ids.dashboard, WIDGET)],
    'WidgetRepository.get': [SEES, () => widgets().get(ids.dashboard, ids.widget)],
    'WidgetRepository.list': [SEES, () => widgets().list(ids.dashboard)],
    'WidgetRepository.hasSql': [
      SEES,
      async () => found((await internals().hasSql(RAW_SQL)) ? [{ id: ids.widget }] : [], ids.widget),
    ],
    'WidgetRepository.update': [CHANGES, () => widgets().update(ids.dashboard, ids.widget, { title: 'X' })],
    'WidgetRepository.duplicate': [CHANGES, () => widgets().duplicate(ids.dashboard, ids.widget)],
    'WidgetRepository.delete': [CHANGES, () => widgets().delete(ids.dashboard, ids.widget)],
    'SavedQueryRepository.create': [EVERYBODY, () => queries().create({ name: 'New', query: QUERY })],
    'SavedQueryRepository.get': [forQueries(SEES), () => queries().get(ids.query)],
    'SavedQueryRepository.list': [forQueries(SEES), async () => found(await queries().list(), ids.query)],
    'SavedQueryRepository.listPage': [
      forQueries(SEES),
      async () => found((await queries().listPage()).items, ids.query),
    ],
    'SavedQueryRepository.update': [forQueries(CHANGES), () => queries().update(ids.query, { name: 'X' })],
    'SavedQueryRepository.delete': [forQueries(CHANGES), () => queries().delete(ids.query)],
  };

  /** A list leaves out what a get does not find. */
  function found(records: { id: string }[], id: string): void {
    if (!records.some((record) => record.id === id)) {
      throw Object.assign(new Error('not listed'), { code: 'NOT_FOUND' });
    }
  }

  const contents = async () =>
    Promise.all(
      ['prismiq_dashboards', 'prismiq_widgets', 'prismiq_saved_queries'].map((table) =>
        database.query(`SELECT to_jsonb(t) AS row FROM everybody.${table} t ORDER BY id`),
      ),
    );

  beforeEach(async () => {
    await database.query('DELETE FROM everybody.prismiq_dashboards; DELETE FROM everybody.prismiq_saved_queries');
  });

  it('has a row for every method of every repository', () => {
    const methods = [DashboardRepository, WidgetRepository, SavedQueryRepository].flatMap(({ name, prototype }) =>
      Object.getOwnPropertyNames(prototype)
        .filter((method) => method !== 'constructor')
        .map((method) => `${name}.${method}`),
    );
    expect(Object.keys(OPERATIONS).sort()).toEqual(methods.sort());
  });

  describe.each(Object.keys(OPERATIONS))('%s', (operation) => {
    it.each(Object.keys(PEOPLE) as Person[])('%s', async (person) => {
      const [rule, call] = OPERATIONS[operation]!;
      const isPublic = person === 'public reader';
      const dashboard = await as('owner', () =>
        dashboards().create({ name: 'D', isPublic, allowedViewers: ['cleo'], widgets: [WIDGET] }),
      );
      const query = await as('owner', () => queries().create({ name: 'Q', query: QUERY, isShared: isPublic }));
      ids = { dashboard: dashboard.id, widget: dashboard.widgets[0]!.id, query: query.id };
      const before = await contents();
      const outcome = await as(person, call).then(
        () => 'ok',
        (error: { code?: string }) => error.code,
      );
      expect([operation, person, outcome]).toEqual([operation, person, rule[person]]);
      if (outcome !== 'ok') {
        expect(await contents()).toEqual(before);
      }
    });
  });
});
