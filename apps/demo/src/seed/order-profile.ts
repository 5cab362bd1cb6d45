/** The shape of a tenant's orders. */
export interface OrderProfile {
  tenantId: string;
  count: number;
  currency: string;
  /** The first ones are the frequent ones. */
  regions: string[];
  /** The first ones order most. */
  customers: string[];
  /** The typical value of an order. */
  typicalAmount: number;
}
