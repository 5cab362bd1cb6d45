import type { RecordKind } from '../errors/record.errors.js';

/** A committed write. @publicApi */
export interface ChangeEvent {
  tenantId: string;
  schema: string;
  /** The acting user, undefined for the system or without a user. */
  userId: string | undefined;
  kind: RecordKind;
  action: 'created' | 'updated' | 'deleted';
  /** The id of the record. */
  id: string;
  /** The dashboard that a widget is on; `versionBefore` and `versionAfter` are then those of the dashboard. */
  dashboardId: string | undefined;
  /** Undefined if the record did not exist. */
  versionBefore: number | undefined;
  /** Undefined if the record no longer exists. */
  versionAfter: number | undefined;
}

/** Receives changes. A promise that it returns is not awaited. */
export type ChangeListener = (event: ChangeEvent) => unknown;
