/** Text from outside (a tenant's id, a message of the database) on one line, with control characters escaped. */
export function printable(text: string): string {
  return text
    .replaceAll(/\s+/g, (space) => (space.includes('\n') ? ' ' : space))
    .replaceAll('\t', '  ')
    .replaceAll(/\p{Cc}/gu, (character) => {
      const code = character.codePointAt(0)!.toString(16).padStart(2, '0');
      return `\\x${code}`;
    });
}

/** The same for text of several lines. */
export const printableLines = (text: string): string[] => text.split('\n').map(printable);

const NUMBER = new Intl.NumberFormat('en-US');
export const count = (number: number): string => NUMBER.format(number);

/** `1 tenant`, `2 tenants` */
export const counted = (number: number, noun: string): string => `${count(number)} ${noun}${number === 1 ? '' : 's'}`;

/** A span of time, with a useful precision: `85 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`. */
export function span(milliseconds: number): string {
  if (milliseconds < 1000) {
    return `${Math.round(milliseconds)} ms`;
  }
  if (milliseconds < 9950) {
    return `${(milliseconds / 1000).toFixed(1)} s`;
  }
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) {
    return `${seconds} s`;
  }
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
