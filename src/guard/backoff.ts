import type { IncomingHttpHeaders } from 'node:http';

const second = 1000;
const longest = 60 * second;

/**
 * Milliseconds until the next try after this many failures: at the most a second, doubling to a minute, of which
 * chance takes up to a half.
 */
const pauseAfter = (failures: number, random: () => number): number =>
  (Math.min(longest, second * 2 ** (failures - 1)) * (1 + random())) / 2;

/**
 * Milliseconds for which an answer asks to be left alone, by Retry-After, and after 429 by X-Ratelimit-Reset as
 * LaunchDarkly has it (a moment in milliseconds); undefined when it does not say. Moments are compared with the answer's own
 * Date, whatever our clock says.
 */
export function askedToWait(
  { status, headers }: { status: number; headers: IncomingHttpHeaders },
  now: number,
): number | undefined {
  const theirs = Date.parse(headers.date ?? '');
  const until = (moment: number) => Math.max(0, moment - (Number.isNaN(theirs) ? now : theirs));
  const after = headers['retry-after']?.trim() ?? '';
  if (/^\d{1,9}$/.test(after)) return Number(after) * second;
  const date = Date.parse(after);
  if (/^[A-Z]/.test(after) && !Number.isNaN(date)) return until(date);
  const reset = headers['x-ratelimit-reset'];
  if (status === 429 && typeof reset === 'string' && /^\d{12,14}$/.test(reset)) return until(Number(reset));
  return undefined;
}

/** Milliseconds until the next try, when the service may have asked for some: it is heard up to `most`. */
export function waitFor(
  failures: number,
  asked: number | undefined,
  most: number,
  random: () => number,
): number {
  const pause = pauseAfter(failures, random);
  // All who were told the same moment would come at once.
  return asked === undefined ? pause : Math.max(pause, Math.min(asked, most) + random() * second);
}
