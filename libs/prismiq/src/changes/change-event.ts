import type { RecordKind } from '../errors/record.errors.js';

/** A write that has been committed. @publicApi */
export interface ChangeEvent {
  tenantId: string;
  schema: string;
  /** The user who acted; `undefined`: nobody, or the system. */
  userId: string | undefined;
  kind: RecordKind;
  action: 'created' | 'updated' | 'deleted';
  /** The id of the record. */
  id: string;
  /** Of a widget, the dashboard that it is on; `versionBefore` and `versionAfter` are that dashboard's. */
  dashboardId: string | undefined;
  /** `undefined`: it did not exist. */
  versionBefore: number | undefined;
  /** `undefined`: it does not exist any more. */
  versionAfter: number | undefined;
}

/** Hears of changes; what it returns is not waited for. */
export type ChangeListener = (event: ChangeEvent) => unknown;
