/** How numbers, moments and versions are said. */

/** A version as people say it: `v1` for the flag value 1. */
export const versionName = (version: string): string => (/^\d/.test(version) ? `v${version}` : version);

/** What is told apart from the control, the first of the versions: `v1`, or, of several, `all but v0`. */
export const treatmentName = ([control = '', treatment = '', ...more]: readonly string[]): string =>
  more.length === 0 ? versionName(treatment) : `all but ${versionName(control)}`;

/** `v1`, `v1 or v2`, `v1, v2 or v3`. */
export const eitherOf = (versions: readonly string[]): string =>
  versions
    .map(versionName)
    .join(', ')
    .replace(/, ([^,]*)$/, ' or $1');

/** Several of what is counted: users, requests, or the keys of another context kind. */
export const unitsText = (unit: string): string =>
  unit === 'user' || unit === 'request' ? `${unit}s` : `${unit} keys`;

/** `in progress` for `in_progress`. */
export const statusText = (status: string): string => status.replaceAll('_', ' ');

/** `25 %`; at most `digits` behind the point. */
export const percentText = (percent: number, digits = 3): string => `${Number(percent.toFixed(digits))} %`;

/** A part of a whole in percent; a dash of nothing. */
export const rateText = (part: number, whole: number): string =>
  whole === 0 ? '–' : `${((part / whole) * 100).toFixed(1)} %`;

export const countText = (count: number): string => count.toLocaleString('en-US');

/** `1 request`, `2 requests`. */
export const counted = (count: number, what: string): string =>
  `${countText(count)} ${what}${count === 1 ? '' : 's'}`;

/** Milliseconds in their two largest units: `42 s`, `1 min 30 s`, `3 d 4 h`. */
export function spanText(ms: number): string {
  let rest = Math.ceil(ms / 1000);
  const parts: string[] = [];
  for (const [unit, seconds] of [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ] as const) {
    const amount = Math.floor(rest / seconds);
    rest -= amount * seconds;
    if (amount > 0) parts.push(`${amount} ${unit}`);
  }
  return parts.length === 0 ? '0 s' : parts.slice(0, 2).join(' ');
}

/** In its largest unit alone: `2 min ago`. */
export function agoText(ms: number): string {
  if (ms < 1500) return 'just now';
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

export const latencyText = (ms: number): string =>
  `${ms < 10 ? ms.toFixed(1) : countText(Math.round(ms))} ms`;

/** Requests a second, to three digits. */
export const paceText = (rate: number): string =>
  `${rate >= 100 ? countText(Math.round(rate)) : Number(rate.toFixed(rate < 10 ? 2 : 1))} / s`;

const mostOdds = 1e6;

/** Evidence as people bet, `1 : 330`, to two digits; what speaks for nothing is none. Takes its natural logarithm. */
export function oddsText(log: number): string {
  if (log <= 0) return 'none';
  if (log > Math.log(mostOdds)) return `over 1 : ${countText(mostOdds)}`;
  return `1 : ${countText(Number(Math.exp(log).toPrecision(2)))}`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const clockWithSeconds = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' });
const whole = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'medium',
  hourCycle: 'h23',
});

export const minuteText = (at: number): string => clock.format(at);
export const clockText = (at: number): string => clockWithSeconds.format(at);
export const momentText = (at: number | string): string => whole.format(new Date(at));

/** Where the times that are shown are so. */
export const { timeZone: zone } = whole.resolvedOptions();
