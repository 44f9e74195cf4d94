import { printable } from '../config/errors.ts';

/** A head, and under it the lines with their labels. Nothing of it can steer a terminal. */
export const report = (head: string, lines: readonly (readonly [label: string, text: string])[]): string =>
  [head, ...lines.map(([label, text]) => `  ${label.padEnd(10)}${text}`)]
    .map((line) => `${printable(line)}\n`)
    .join('');

/** A part of a whole in percent; `-` of nothing. */
export const rate = (part: number, whole: number, digits: number): string =>
  whole === 0 ? '-' : `${((part / whole) * 100).toFixed(digits)} %`;

/** Milliseconds in their two largest units: `250ms`, `42s`, `1m 30s`, `2h`, `3d 4h`. */
export function span(ms: number): string {
  if (ms > 0 && ms < 1000) return `${Math.ceil(ms)}ms`;
  let rest = Math.ceil(ms / 1000);
  const parts: string[] = [];
  for (const [unit, seconds] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const amount = Math.floor(rest / seconds);
    rest -= amount * seconds;
    if (amount > 0) parts.push(`${amount}${unit}`);
  }
  return parts.length === 0 ? '0s' : parts.slice(0, 2).join(' ');
}
