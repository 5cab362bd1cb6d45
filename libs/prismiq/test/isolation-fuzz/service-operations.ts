import type { DashboardRepository, SavedQueryRepository, WidgetRepository } from '@prismiq/nestjs';
import type { Operation } from './operation.js';
import { ignoreIntended, ignoreMissing, QUERY, widgetNamed, type Scenarios } from './scenarios.js';
import { World } from './world.js';

interface Services {
  world: World;
  scenarios: Scenarios;
  dashboards: DashboardRepository;
  widgets: WidgetRepository;
  queries: SavedQueryRepository;
}

/** Through services, as jobs and scripts do it. */
export function serviceOperations({ world, scenarios, dashboards, widgets, queries }: Services): Operation[] {
  /** What is no tenant's own must not be found, let alone changed. */
  const foreign = async (what: string, call: Promise<unknown>) => {
    const found = await call.then(() => true).catch(ignoreMissing);
    if (found) {
      world.faults.push(`${what} of a foreign id`);
    }
  };
  const remove = async (id: string, repository: { delete(id: string): Promise<unknown> }) => {
    world.acknowledged.deleting(id);
    await repository.delete(id).catch(ignoreMissing);
    world.acknowledged.deleted(id);
  };
  return [
    [20, ({ me }) => scenarios.as(me, async () => void world.inspect(await dashboards.list(), me))],
    [10, ({ me }) => scenarios.as(me, async () => void world.inspect(await queries.list(), me))],
    [
      15,
      ({ me, own }) =>
        scenarios.as(
          me,
          async () => void world.inspect(await dashboards.get(own(me.dashboards)).catch(ignoreMissing), me),
        ),
    ],
    [6, ({ me, own, other }) => scenarios.as(me, () => foreign('read', dashboards.get(own(other.dashboards))))],
    [
      3,
      ({ me, own, other }) =>
        scenarios.as(me, () => foreign('update', dashboards.update(own(other.dashboards), { name: world.text(me) }))),
    ],
    [2, ({ me, own, other }) => scenarios.as(me, () => foreign('deletion', dashboards.delete(own(other.dashboards))))],
    [2, ({ me, own, other }) => scenarios.as(me, () => foreign('deletion', queries.delete(own(other.queries))))],
    [
      3,
      ({ me, own, other }) =>
        scenarios.as(me, () => foreign('widget', widgets.create(own(other.dashboards), widgetNamed(world.text(me))))),
    ],
    [
      10,
      ({ me }) =>
        scenarios.as(me, async () => {
          if (World.hasRoom(me.dashboards)) {
            scenarios.remember(me, await scenarios.create(me));
          } else {
            await remove(me.dashboards.shift()!, dashboards);
          }
        }),
    ],
    [
      8,
      ({ me }) =>
        scenarios.as(me, async () => {
          if (World.hasRoom(me.queries)) {
            const text = world.text(me);
            const made = world.inspect(await queries.create({ name: text, description: text, query: QUERY }), me);
            world.acknowledged.wrote(me, made);
            me.queries.push(made.id);
          } else {
            await remove(me.queries.shift()!, queries);
          }
        }),
    ],
    [
      6,
      ({ me, own }) =>
        scenarios.as(me, async () => {
          const text = world.text(me);
          const patch = { description: text, widgets: [widgetNamed(text)] };
          const updated = await dashboards.update(own(me.dashboards), patch).catch(ignoreMissing);
          if (updated !== undefined) {
            world.acknowledged.wrote(me, world.inspect(updated, me));
          }
        }),
    ],
    [
      4,
      ({ me, own }) =>
        scenarios.as(me, async () => {
          const widget = widgetNamed(world.text(me));
          world.inspect(await widgets.create(own(me.dashboards), widget).catch(ignoreMissing), me);
        }),
    ],
    [4, ({ me, other, random }) => scenarios.as(me, () => scenarios.nested(other, random.chance(0.5)))],
    [4, ({ me, other, random }) => scenarios.as(me, () => scenarios.transaction(other, random.chance(0.5)))],
    [2, ({ me }) => scenarios.as(me, () => scenarios.writeAndThrow()).catch(ignoreIntended)],
  ];
}
