import type { INestApplication } from '@nestjs/common';
import {
  DashboardRepository,
  ensureTables,
  InvalidDocumentError,
  PrismiqModule,
  SavedQueryRepository,
  TenantContext,
} from '@prismiq/nestjs';
import { TestDatabase } from '../../../test/support/test-database.js';
import { boot, ormModule, resolver } from './support/host.js';

/** Wraps an input so that each read of a member or an element counts as a step. */
function counted<T extends object>(input: T): { input: T; steps(): number } {
  let steps = 0;
  const wrap = <V>(value: V): V =>
    typeof value === 'object' && value !== null
      ? (new Proxy(value, {
          get: (target, key, receiver) => {
            steps += key === 'length' ? 0 : 1;
            return wrap(Reflect.get(target, key, receiver) as unknown);
          },
        }) as V)
      : value;
  return { input: wrap(input), steps: () => steps };
}

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));
const WIDGET = { type: 'text', title: 'W', position: { x: 0, y: 0, w: 1, h: 1 } };
const BAD_WIDGET = { type: 'nope', title: 1, position: { x: -1, y: 'a', w: 0 }, query: { tables: [], columns: 1 } };

describe('the work of a validation is bounded', () => {
  let database: TestDatabase;
  let app: INestApplication;
  beforeAll(async () => {
    database = await TestDatabase.create();
    await ensureTables(database.pool, { schema: 'tenant_acme', createSchema: true });
    app = await boot({ imports: [ormModule(database), PrismiqModule.forRoot({ resolver })] });
  });
  afterAll(async () => {
    await app.close();
    await database.close();
  });

  const collectIssues = async (create: () => Promise<unknown>): Promise<InvalidDocumentError['issues']> => {
    const error: unknown = await app
      .get(TenantContext)
      .runInTenant({ tenantId: 'acme', userId: 'ada' }, create)
      .catch((error: unknown) => error);
    expect(error).toBeInstanceOf(InvalidDocumentError);
    return (error as InvalidDocumentError).issues;
  };
  const dashboardFaults = (input: object) => collectIssues(() => app.get(DashboardRepository).create(input as never));
  const queryFaults = (query: unknown) =>
    collectIssues(() => app.get(SavedQueryRepository).create({ name: 'q', query } as never));

  it('999 bad widgets: a hundred faults, and the widgets behind them are not checked', async () => {
    // Before the schema, one walk over the whole input looks for what JSON cannot hold: some 20 steps a widget.
    const walk = 999 * 20;
    const { input, steps } = counted({ name: 'x', widgets: times(999, () => structuredClone(BAD_WIDGET)) });
    const issues = await dashboardFaults(input);
    expect(issues).toHaveLength(100);
    expect(issues[0]!.path).toEqual(['widgets', 0, 'type']);
    expect(issues[99]!.path[1]).toBeLessThan(20);
    expect(steps()).toBeLessThan(walk + 2000);
  });

  it('faults far behind each other are all found, up to a hundred', async () => {
    const widgets = times(999, (n) => (n % 10 === 0 ? { ...WIDGET, title: 1 } : WIDGET));
    const issues = await dashboardFaults({ name: 'x', widgets });
    expect(issues.map(({ path }) => path)).toEqual(times(100, (n) => ['widgets', n * 10, 'title']));
  });

  it('a list that is too long is one fault: its elements are not checked', async () => {
    const numbers = times(100_000, (n) => n);
    const { input, steps } = counted({ tables: numbers, columns: numbers });
    const issues = await queryFaults(input);
    expect(issues.map(({ type, path }) => [type, path])).toEqual([
      ['too_big', ['query', 'tables']],
      ['too_big', ['query', 'columns']],
    ]);
    // The walk alone.
    expect(steps()).toBeLessThan(200_000 + 100);
  });

  it('a list in place of another value costs one walk', async () => {
    const { input, steps } = counted(times(100_000, (n) => n));
    expect(await queryFaults(input)).toEqual([expect.objectContaining({ type: 'invalid_type', path: ['query'] })]);
    expect(steps()).toBeLessThan(100_000 + 100);
  });

  it('text that cannot be stored ends the walk at the hundredth fault', async () => {
    const { input, steps } = counted({ tables: times(100_000, () => '\u0000') });
    expect(await queryFaults(input)).toHaveLength(100);
    expect(steps()).toBeLessThan(1000);
  });

  it('an object that contains itself twice ends the walk as well', async () => {
    const circle: Record<string, unknown> = {};
    Object.assign(circle, { a: circle, b: circle });
    expect(await queryFaults(circle)).toHaveLength(100);
  });

  it('names of members are checked like other texts', async () => {
    const issues = await queryFaults({ 'a\u0000': {}, b: { '\ud800': 1 } });
    expect(issues.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        ['query', 'a\u0000'],
        ['query', 'b', '\ud800'],
      ]),
    );
  });

  it('references to missing tables: a hundred faults', async () => {
    const columns = times(1000, (n) => ({ table_id: `t${n}`, column: 'c' }));
    const query = { tables: [{ id: 'o', name: 'o' }], columns, group_by: columns, order_by: columns };
    expect(await queryFaults(query)).toHaveLength(100);
  });

  it('every list of every widget bad: a hundred faults', async () => {
    const columns = times(999, () => 1);
    const query = { tables: columns, columns, joins: columns, filters: columns, group_by: columns, order_by: columns };
    const { input, steps } = counted({ name: 'x', widgets: times(20, () => ({ ...WIDGET, query })) });
    expect(await dashboardFaults(input)).toHaveLength(100);
    expect(steps()).toBeLessThan(20 * 6 * 1000 + 5000);
  });
});
