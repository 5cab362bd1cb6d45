import type { EntityManager } from '@mikro-orm/postgresql';
import {
  RecordNotFoundError,
  type DashboardRepository,
  type SavedQueryRepository,
  type TenantContext,
  type DashboardWidgetInput,
} from '@prismiq/nestjs';
import type { Written } from './acknowledged-writes.js';
import type { Disturbances } from './disturbances.js';
import type { FuzzTenant, World } from './world.js';

/** Thrown by a scenario where it is meant to fail. */
export class Intended extends Error {}

export const QUERY = { tables: [{ id: 'o', name: 'orders' }], columns: [{ table_id: 'o', column: 'amount' }] };

export const widgetNamed = (title: string): DashboardWidgetInput => ({
  type: 'text',
  title,
  position: { x: 0, y: 0, w: 1, h: 1 },
});

/** What a host's code does for the tenant in context, in a job or in a handler. */
export class Scenarios {
  constructor(
    private readonly world: World,
    private readonly tenants: TenantContext,
    private readonly dashboards: DashboardRepository,
    private readonly queries: SavedQueryRepository,
    private readonly em: EntityManager,
    private readonly disturbances: Disturbances,
  ) {}

  /** Works for another tenant as well, at the same time, and fails there or not. */
  async nested(other: FuzzTenant, fails: boolean): Promise<void> {
    const me = this.me();
    this.world.inspect(await this.dashboards.listPage({ limit: 3 }), me);
    const inner = this.as(other, async () => {
      this.world.acknowledged.wrote(other, await this.create(other));
      this.world.inspect(await Promise.all([this.dashboards.list(), this.queries.list()]), other);
      if (fails) {
        throw new Intended();
      }
    });
    const [summaries] = await Promise.all([this.dashboards.listSummaries({ limit: 3 }), inner.catch(ignoreIntended)]);
    this.world.inspect(summaries, me);
    this.expectContext(me);
    this.world.inspect(await this.dashboards.list(), me);
  }

  /** Writes for two tenants in a transaction of the host. */
  async transaction(other: FuzzTenant, fails: boolean): Promise<void> {
    const me = this.me();
    const made: Written[] = [];
    const outcome = this.disturbances.spare(() =>
      this.em.transactional(async () => {
        made.push(await this.create(me));
        await this.as(other, async () => made.push(await this.create(other)));
        this.world.inspect(await this.dashboards.list(), me);
        if (fails) {
          throw new Intended();
        }
      }),
    );
    if (fails) {
      await outcome.catch(ignoreIntended);
      const found = await this.dashboards.get(made[0]!.id).catch(ignoreMissing);
      if (found !== undefined) {
        this.world.faults.push(`rolled back, and still there: ${JSON.stringify(found)}`);
      }
    } else {
      await outcome;
      this.remember(me, made[0]!);
      this.remember(other, made[1]!);
    }
    this.expectContext(me);
  }

  /** Fails after it has written. */
  async writeAndThrow(): Promise<never> {
    const me = this.me();
    this.remember(me, await this.create(me));
    throw new Intended();
  }

  /** What is read piece by piece, after a handler has returned. */
  async *read(): AsyncGenerator<string> {
    const me = this.me();
    for (let part = 0; part < 3; part += 1) {
      this.expectContext(me);
      yield JSON.stringify(this.world.inspect(await this.dashboards.listPage({ limit: 2 }), me));
    }
  }

  as<T>({ tenantId }: FuzzTenant, fn: () => Promise<T>): Promise<T> {
    return this.tenants.runInTenant({ tenantId, userId: 'u', isAdmin: true }, fn);
  }

  async create(tenant: FuzzTenant): Promise<Written> {
    const text = this.world.text(tenant);
    const widgets = [widgetNamed(text), widgetNamed(text)];
    const made = await this.dashboards.create({ name: text, description: text, widgets });
    return this.world.inspect(made, tenant);
  }

  remember(tenant: FuzzTenant, made: Written): void {
    this.world.acknowledged.wrote(tenant, made);
    tenant.dashboards.push(made.id);
  }

  private me(): FuzzTenant {
    return this.world.tenant(this.tenants.require().tenantId);
  }

  private expectContext({ tenantId }: FuzzTenant): void {
    const found = this.tenants.current()?.tenantId;
    if (found !== tenantId) {
      this.world.faults.push(`the context of ${tenantId} has become that of ${found}`);
    }
  }
}

export function ignoreIntended(error: unknown): void {
  if (!(error instanceof Intended)) {
    throw error;
  }
}

/** Another worker may have deleted it. */
export function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof RecordNotFoundError)) {
    throw error;
  }
  return undefined;
}
