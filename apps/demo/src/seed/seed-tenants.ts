import type { CreateDashboard } from '@prismiq/nestjs';
import { customersDashboard } from '../dashboards/customers.dashboard.js';
import { fulfilmentDashboard } from '../dashboards/fulfilment.dashboard.js';
import { salesDashboard } from '../dashboards/sales.dashboard.js';
import type { OrderProfile } from './order-profile.js';

/** A tenant that exists from the start. */
export interface SeedTenant {
  /** Besides the admin. The first one owns the dashboards. */
  users: [string, ...string[]];
  dashboards: CreateDashboard[];
  orders: OrderProfile;
}

export const SEED_TENANTS: readonly SeedTenant[] = [
  {
    users: ['ada', 'bob'],
    dashboards: [salesDashboard('€'), fulfilmentDashboard],
    orders: {
      tenantId: 'acme',
      count: 4200,
      currency: 'EUR',
      regions: ['North', 'South', 'West', 'East'],
      customers: [
        'Harbour Lights',
        'Nordwind GmbH',
        'Café Central',
        'Atelier Blanc',
        'Van Dijk & Zonen',
        'Costa Verde',
        'Lumen Studio',
        'Fjord Interiors',
        'Bergmann & Söhne',
        'Maison Clair',
        'Kaufhaus Adler',
        'Stadtwerke Ost',
      ],
      typicalAmount: 240,
    },
  },
  {
    users: ['gus', 'gina'],
    dashboards: [salesDashboard('$'), customersDashboard('$')],
    orders: {
      tenantId: 'globex',
      count: 3100,
      currency: 'USD',
      regions: ['Americas', 'Asia Pacific', 'Europe'],
      customers: [
        'Initech',
        'Hooli',
        'Stark Industries',
        'Soylent',
        'Wayne Enterprises',
        'Pied Piper',
        'Umbrella Logistics',
        'Tyrell Systems',
        'Vandelay Imports',
        'Wonka Foods',
      ],
      typicalAmount: 1900,
    },
  },
];
