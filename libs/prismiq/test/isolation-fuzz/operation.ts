import { randomUUID } from 'node:crypto';
import { Random } from './random.js';
import type { FuzzTenant, World } from './world.js';

export interface Turn {
  random: Random;
  me: FuzzTenant;
  other: FuzzTenant;
  /** One of these ids or, if there are none yet, an unused one. */
  own(ids: readonly string[]): string;
}

/** What a worker may do, and how often it does. */
export type Operation = readonly [weight: number, run: (turn: Turn) => Promise<unknown>];

export interface Run {
  world: World;
  operations: Operation[];
  /** In all, by all workers. */
  count: number;
  workers: number;
  seed: number;
  /** Whether an error may be put down to a connection that was killed. */
  mayFail(error: unknown): boolean;
  /** Called after each operation, outside of all contexts. */
  after(): void;
}

/**
 * Has workers do operations that the seed determines, until there were enough, or one went wrong.
 *
 * @returns how many failed for want of a connection
 */
export async function fuzz({ world, operations, count, workers, seed, mayFail, after }: Run): Promise<number> {
  const weights = sumWeights(operations);
  const choose = (random: Random): Operation => {
    let rest = random.next() * weights;
    return operations.find(([weight]) => (rest -= weight) < 0)!;
  };
  let failures = 0;
  const work = async (worker: number): Promise<void> => {
    const random = new Random(seed * 1000 + worker);
    for (let i = worker; i < count && world.faults.length === 0; i += workers) {
      const [me, other] = pickTwo(world.tenants, random);
      // Draws a number either way, so that the seed alone says what comes next.
      const own = (ids: readonly string[]) => random.pick(ids) ?? randomUUID();
      const [, run] = choose(random);
      try {
        await run({ random, me, other, own });
      } catch (error) {
        if (!mayFail(error)) {
          world.faults.push(`operation ${i} (${String(run)}) of ${me.mark} failed: ${(error as Error).stack}`);
        }
        failures += 1;
      }
      after();
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
  return failures;
}

export const sumWeights = (operations: readonly Operation[]): number =>
  operations.reduce((sum, [weight]) => sum + weight, 0);

function pickTwo(tenants: readonly FuzzTenant[], random: Random): [FuzzTenant, FuzzTenant] {
  const first = random.below(tenants.length);
  const step = 1 + random.below(tenants.length - 1);
  return [tenants[first]!, tenants[(first + step) % tenants.length]!];
}
