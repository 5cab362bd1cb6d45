import { nextStep } from './next-step.js';
import type { RunContext } from './run-context.js';
import { readSnapshots, type TenantSnapshot } from '../inspect/tenant-snapshot.js';
import { standingOf } from '../inspect/tenant-standing.js';

/** Of how many of the tenants that were seen one has to be like the others, to be taken for typical. */
const TYPICAL_SHARE = 0.9;

/**
 * Looks at tenants before their turn comes.
 *
 * Most tenants of a fleet are at the same version. Once that has shown, it reads the catalog of the others, and takes their histories
 * for the same: their transactions begin by making sure of it. That saves the longer half of the looking; where it is wrong, the
 * run calls {@link doubt}.
 */
export class TenantScout {
  #typical: TenantSnapshot | undefined;
  #isTrusting = true;

  constructor(
    private readonly context: Pick<RunContext, 'database' | 'set' | 'judge' | 'direction' | 'migrationsFor'>,
  ) {}

  async look(schemas: readonly string[]): Promise<Map<string, TenantSnapshot>> {
    const { database, set, judge } = this.context;
    const typical = this.#typical;
    if (typical === undefined) {
      const snapshots = await readSnapshots(database, set, judge, schemas);
      this.#typical = this.#isTrusting ? this.typicalOf([...snapshots.values()]) : undefined;
      return snapshots;
    }
    const judgements = await judge.judge(database, schemas);
    const alike = schemas.filter((schema) => judgements.get(schema) === typical.tables);
    const others = schemas.filter((schema) => judgements.get(schema) !== typical.tables);
    const snapshots = others.length === 0 ? [] : await readSnapshots(database, set, judge, others);
    return new Map([
      ...alike.map((schema): [string, TenantSnapshot] => [schema, { ...typical, isAssumed: true }]),
      ...snapshots,
    ]);
  }

  /** A history was not as it was assumed to be; so none is assumed any more. */
  doubt(): void {
    this.#typical = undefined;
    this.#isTrusting = false;
  }

  get isTrusting(): boolean {
    return this.#isTrusting;
  }

  /** One that has something to come, as most others have. */
  private typicalOf(snapshots: readonly TenantSnapshot[]): TenantSnapshot | undefined {
    const [first] = snapshots;
    if (first?.tables === undefined || nextStep(standingOf(first, this.context.set), this.context) === undefined) {
      return undefined;
    }
    return snapshots.filter((other) => isAlike(first, other)).length >= snapshots.length * TYPICAL_SHARE
      ? first
      : undefined;
  }
}

const isAlike = (one: TenantSnapshot, other: TenantSnapshot): boolean =>
  one.tables === other.tables &&
  one.histories.size === other.histories.size &&
  [...one.histories].every(([source, names]) => other.histories.get(source) === names);
