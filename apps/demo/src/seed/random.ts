/** Random numbers from 0 (inclusive) to 1, the same ones for the same seed: the "mulberry32" generator. */
export function randomFrom(seed: string): () => number {
  let state = [...seed].reduce((hash, character) => (Math.imul(hash, 31) + character.codePointAt(0)!) | 0, 7);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
