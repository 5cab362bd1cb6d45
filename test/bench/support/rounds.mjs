/** Random numbers that every contender of a round gets alike, so that all do the same work. */
export function randomFrom(seed) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, pick: (list) => list[Math.floor(next() * list.length)] };
}

export const median = (values) => percentile(values, 0.5);

export function percentile(values, share) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/**
 * Lets callers work side by side, each beginning its next operation when the one before has ended.
 *
 * @typedef {(random: ReturnType<typeof randomFrom>) => Promise<unknown>} Operation
 * @param {Operation} operation
 * @param {{ callers: number, seconds?: number, operations?: number, seed?: number }} options ends after that many
 *   seconds, or when that many operations have begun
 */
export async function load(operation, { callers, seconds = Infinity, operations = Infinity, seed = 1 }) {
  const random = randomFrom(seed);
  const latencies = [];
  let begun = 0;
  const started = performance.now();
  const end = started + seconds * 1000;
  const call = async () => {
    for (let now = started; now < end && begun < operations;) {
      begun += 1;
      const since = performance.now();
      await operation(random);
      now = performance.now();
      latencies.push(now - since);
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  return { perSecond: (latencies.length / (performance.now() - started)) * 1000, latencies };
}

/** By chance: in a fixed order each would always run in the wake of the same other one. */
export function shuffled(list, random) {
  const drawn = list.map((item) => ({ item, place: random.next() }));
  return drawn.sort((a, b) => a.place - b.place).map(({ item }) => item);
}

/**
 * Measures contenders in alternating rounds, since a machine does not keep its speed: each round has a ratio of its
 * own, taken within seconds, and the median of these counts.
 *
 * @param {[name: string, operation: Operation][]} contenders the first is the floor, to which the others are compared
 * @param {{ rounds: number, seconds: number, callers: number }} options
 * @returns {Promise<{ name: string, perSecond: number, p50: number, p99: number, ratio: number,
 *   ratios: number[], speeds: number[] }[]>} `speeds`: operations per second, by round
 */
export async function compete(contenders, { rounds, ...options }) {
  const results = contenders.map(([name, operation]) => ({ name, operation, speeds: [], latencies: [] }));
  for (let round = 0; round < rounds; round += 1) {
    for (const { operation, speeds, latencies } of shuffled(results, randomFrom(round))) {
      const measured = await load(operation, { ...options, seed: round });
      speeds.push(measured.perSecond);
      latencies.push(measured.latencies);
    }
  }
  return results.map(({ name, speeds, latencies }) => {
    const all = latencies.flat();
    const ratios = speeds.map((speed, round) => speed / results[0].speeds[round]);
    const [perSecond, ratio] = [median(speeds), median(ratios)];
    return { name, perSecond, p50: percentile(all, 0.5), p99: percentile(all, 0.99), ratio, ratios, speeds };
  });
}
