// What a strict TypeScript host writes. Compiled, not run, against the packed tarball's types.
import { VERSION_NEUTRAL, type ExecutionContext } from '@nestjs/common';
import {
  definePrismiqConfig,
  PrismiqModule,
  type CreateDashboard,
  type Dashboard,
  type DashboardFilter,
  type DashboardLayoutInput,
  type PrismiqOptions,
  type QueryDefinition,
  type TenantIdentity,
  type UpdateDashboard,
  type WidgetPosition,
} from '@prismiq/nestjs';
import { PRISMIQ_HISTORY_TABLE, PRISMIQ_MIGRATIONS } from '@prismiq/nestjs/migrations';
import { defineConfig } from '@mikro-orm/postgresql';

export const filter: DashboardFilter = { id: 'f', type: 'select', label: 'Region', field: 'region' };
export const position: WidgetPosition = { x: 0, y: 0, w: 3, h: 2 };
export const layout: DashboardLayoutInput = { columns: 24 };
export const query: QueryDefinition = {
  tables: [{ id: 'o', name: 'orders' }],
  columns: [{ table_id: 'o', column: 'amount', aggregation: 'sum' }],
};
export const dashboard: CreateDashboard = {
  name: 'Sales',
  layout,
  filters: [filter],
  widgets: [{ type: 'metric', title: 'Revenue', position, query }],
};
/** What was read can be written back. */
export const roundTrip = (read: Dashboard): UpdateDashboard => ({ ...read, description: null });

const resolver = (context: ExecutionContext): TenantIdentity | undefined =>
  context.switchToHttp().getRequest<{ user?: TenantIdentity }>().user;
const path: string | undefined = process.env['PRISMIQ_PATH'];

export const registrations = [
  PrismiqModule.forRoot({ resolver, controllers: { path } }),
  PrismiqModule.forRoot({
    resolver,
    controllers: { version: ['1', VERSION_NEUTRAL], include: ['widgets'], decorators: [] },
  }),
  // @ts-expect-error There are no pins to mount.
  PrismiqModule.forRoot({ resolver, controllers: { include: ['pins'] } }),
  PrismiqModule.forRootAsync({ isGlobal: true, useFactory: async (): Promise<PrismiqOptions> => ({ resolver }) }),
  PrismiqModule.forRootAsync({ inject: ['OPTIONS'], useFactory: (options: PrismiqOptions) => options }),
  // @ts-expect-error Structure cannot come from a factory.
  PrismiqModule.forRootAsync({ useFactory: () => ({ resolver, controllers: true }) }),
  // @ts-expect-error A dashboard has a name.
  ((input: CreateDashboard) => input)({ layout }),
];

export const config = defineConfig({
  migrations: { migrationsList: PRISMIQ_MIGRATIONS, tableName: PRISMIQ_HISTORY_TABLE },
});

export const command = definePrismiqConfig({
  database: async () => config,
  rings: ['canary'],
  onError: 'continue',
  betweenRings: ({ counts }) => counts.failed === 0,
});

// @ts-expect-error There is no such option.
definePrismiqConfig({ ring: 'canary' });
