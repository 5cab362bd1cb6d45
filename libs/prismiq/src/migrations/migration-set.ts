import { InvalidOptionsError } from '../errors/configuration.errors.js';
import { MigrationTargetError } from '../errors/migration.errors.js';
import { withoutExtension, type MigrationSource, type NamedMigration } from './migration-source.js';
import type { DownTarget, TenantVersion, UpTarget } from './migration-target.js';

/** A migration and where it comes from. */
export interface SourceMigration extends NamedMigration {
  readonly source: string;
  readonly historyTable: string;
  /** `source:name` */
  readonly label: string;
  /** Whether it runs inside of the tenant's transaction. */
  readonly isTransactional: boolean;
}

/** All migrations of a run, in the order in which they run. */
export class MigrationSet {
  readonly #labels: ReadonlySet<string>;
  readonly #bySource: ReadonlyMap<string, readonly SourceMigration[]>;

  private constructor(
    readonly sources: readonly MigrationSource[],
    readonly all: readonly SourceMigration[],
  ) {
    this.#labels = new Set(all.map(({ label }) => label));
    this.#bySource = new Map(sources.map(({ name }) => [name, all.filter(({ source }) => source === name)]));
  }

  static async load(sources: readonly MigrationSource[]): Promise<MigrationSet> {
    assertDistinct(
      sources.map(({ name }) => name),
      'name',
    );
    assertDistinct(
      sources.map(({ historyTable }) => historyTable),
      'history table',
    );
    const lists = await Promise.all(
      sources.map(async ({ name: source, historyTable, load }) =>
        (await load()).map((migration) => ({
          ...migration,
          source,
          historyTable,
          label: `${source}:${migration.name}`,
          isTransactional: new migration.class(undefined as never, undefined as never).isTransactional(),
        })),
      ),
    );
    assertDistinct(
      lists.flat().map(({ label }) => label),
      'migration',
    );
    return new MigrationSet(sources, lists.flat());
  }

  /** The label of a migration that a history records. */
  toLabel(source: string, recordedName: string): string {
    return `${source}:${withoutExtension(recordedName)}`;
  }

  isKnown(label: string): boolean {
    return this.#labels.has(label);
  }

  of(source: string): readonly SourceMigration[] {
    return this.#bySource.get(source) ?? [];
  }

  /** The newest recorded migration of each source. */
  toVersion(recorded: ReadonlySet<string>): TenantVersion {
    return Object.fromEntries(
      this.sources.map(({ name }) => [name, this.of(name).findLast(({ label }) => recorded.has(label))?.name ?? null]),
    );
  }

  get newest(): TenantVersion {
    return this.toVersion(this.#labels);
  }

  /** Selects the migrations that `up` may run. */
  upTo({ source, to }: UpTarget): (migration: SourceMigration) => boolean {
    if (to === undefined) {
      return source === undefined
        ? () => true
        : (
            (name) => (migration) =>
              migration.source === name
          )(this.resolveSource(source));
    }
    const list = this.of(this.findSourceWith(to, source));
    const targets = new Set(list.slice(0, list.findIndex(({ name }) => name === to) + 1));
    return (migration) => targets.has(migration);
  }

  /** Selects the recorded migrations that `down` takes back, in the order in which they run. */
  downFrom({ source, to, steps }: DownTarget): (recorded: ReadonlySet<string>) => SourceMigration[] {
    if ((to === undefined) === (steps === undefined)) {
      throw new MigrationTargetError('say either `to` or `steps`, to know how far to go down.');
    }
    if (steps !== undefined && (!Number.isInteger(steps) || steps < 1)) {
      throw new MigrationTargetError(`\`steps\` must be a whole number from 1, but is ${steps}.`);
    }
    const list = this.of(typeof to === 'string' ? this.findSourceWith(to, source) : this.resolveSource(source));
    const kept = list.findIndex(({ name }) => name === to) + 1;
    return (recorded) =>
      list
        .slice(kept)
        .filter(({ label }) => recorded.has(label))
        .toReversed()
        .slice(0, steps);
  }

  private resolveSource(source = this.sources.length === 1 ? this.sources[0]!.name : undefined): string {
    const names = this.sources.map(({ name }) => name);
    if (source === undefined) {
      throw new MigrationTargetError(`there are several sources: name one with \`source\` (${names.join(', ')}).`);
    }
    if (!names.includes(source)) {
      throw new MigrationTargetError(`there is no source ${JSON.stringify(source)}. Known are ${names.join(', ')}.`);
    }
    return source;
  }

  private findSourceWith(name: string, source?: string): string {
    const found = this.all.filter(
      (migration) =>
        migration.name === name && (source === undefined || migration.source === this.resolveSource(source)),
    );
    if (found.length === 1) {
      return found[0]!.source;
    }
    throw new MigrationTargetError(
      found.length === 0
        ? `there is no migration ${JSON.stringify(name)}. Known are ${this.all.map(({ label }) => label).join(', ')}.`
        : `several sources have a migration ${JSON.stringify(name)}: name one with \`source\`.`,
    );
  }
}

function assertDistinct(names: readonly string[], what: string): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new InvalidOptionsError(
      'migrations',
      `has two of the ${what} ${JSON.stringify(twice)}`,
      {},
      'TenantMigrator',
    );
  }
}
