import { setTimeout as sleep } from 'node:timers/promises';

/** How long a condition may take on a machine that is busy with other things. */
const TIMEOUT_MS = 45_000;
const LOOK_EVERY_MS = 15;

/**
 * Waits until a condition holds.
 *
 * @returns what the condition has returned
 */
export async function until<T>(what: string, condition: () => T | Promise<T>): Promise<NonNullable<T>> {
  const end = performance.now() + TIMEOUT_MS;
  for (;;) {
    const found = await condition();
    if (found !== undefined && found !== null && found !== false) {
      return found;
    }
    if (performance.now() > end) {
      throw new Error(`Not within ${TIMEOUT_MS} ms: ${what}`);
    }
    await sleep(LOOK_EVERY_MS);
  }
}
