import { z } from 'zod';

/**
 * The evidence that one version is worse than another: what was seen, and what is done about it. There is one record,
 * for the log, a rollout's history, the admin port and webhooks. Milliseconds; moments are milliseconds since 1970.
 */

const text = z.string().min(1).max(256);
const amount = z.int().min(0);
const milliseconds = z.number().min(0);
/** What a Date can be. */
export const moment = z.number().min(0).max(8.64e15);

/** One version's side. `units`: users, or requests, seen in this epoch; `events`: those of them that failed or were slow. */
const side = z.strictObject({
  version: text,
  units: amount,
  events: amount,
  /** Until the head of a successful answer; null while too few were seen. */
  latencyMs: z.strictObject({ p50: milliseconds, p90: milliseconds, p99: milliseconds }).nullable(),
});

export const regression = z.strictObject({
  /** Sixteen random hexadecimal digits. */
  id: z.string().regex(/^[0-9a-f]{16}$/),
  at: moment,
  flag: text,
  route: text,
  /** What gave it away: failures, slow answers, or connections that failed one after the other. */
  signal: z.enum(['errors', 'latency', 'connect']),
  action: z.enum(['rollback', 'pause', 'notify']),
  /** What is counted: a context kind, or `request`. */
  unit: text,
  control: side,
  treatment: side,
  /** Natural logarithm of the evidence, and of what was needed; null where no statistics were done. */
  evidence: z.strictObject({ log: z.number(), needed: z.number() }).nullable(),
  /** What counted as slow on either side; null but for `latency`. */
  slowerThanMs: z.strictObject({ control: milliseconds, treatment: milliseconds }).nullable(),
  /** How the last connection failed; null but for `connect`. */
  code: text.nullable(),
  /** Treatment's share that was scheduled, in percent, and the stage's index; null where they are not known. */
  percent: z.number().min(0).max(100).nullable(),
  stage: amount.nullable(),
  /** Requests on treatment that failed or were slow, the latest last. */
  requestIds: z.array(z.string().max(128)).max(10),
});

export type Regression = z.output<typeof regression>;
export type Side = Regression['control'];

/**
 * `v1 failed 38 of 412 users (9.2 %), v0 2 of 430 (0.5 %): evidence 1 : 41,000`, or
 * `61 of 130 users of v1 waited longer than 32 ms (46.9 %), 4 of 390 of v0 longer than 27 ms (1.0 %); median …`.
 */
export function inWords({
  signal,
  unit,
  control,
  treatment,
  evidence,
  slowerThanMs,
  code,
}: Regression): string {
  const [v0, v1] = [versionName(control.version), versionName(treatment.version)];
  if (signal === 'connect')
    return `${v1} could not be reached ${treatment.events} times in a row (${code ?? 'unknown'}), while ${v0} answered`;
  const odds = evidence === null ? '' : `: evidence ${oddsText(evidence.log)}`;
  if (signal === 'errors')
    return `${v1} failed ${treatment.events} of ${treatment.units} ${unitsText(unit)}${share(treatment)}, ${v0} ${control.events} of ${control.units}${share(control)}${odds}`;
  const longer = (than: number | undefined) => (than === undefined ? '' : ` longer than ${msText(than)}`);
  const medians =
    control.latencyMs === null || treatment.latencyMs === null
      ? ''
      : `; median ${msText(treatment.latencyMs.p50)} against ${msText(control.latencyMs.p50)}`;
  return `${treatment.events} of ${treatment.units} ${unitsText(unit)} of ${v1} waited${longer(slowerThanMs?.treatment)}${share(treatment)}, ${control.events} of ${control.units} of ${v0}${longer(slowerThanMs?.control)}${share(control)}${medians}${odds}`;
}

/** What is done about it. */
export function doneText(
  { action, percent }: Pick<Regression, 'action' | 'percent'>,
  control: string,
): string {
  if (action === 'rollback') return `everybody is taken back to ${versionName(control)}`;
  if (action === 'notify') return 'nothing is done about it';
  return `the rollout is held${percent === null ? '' : ` at ${percent} %`}`;
}

/** Several of what is counted: users, requests, or the keys of another context kind. */
export const unitsText = (unit: string): string =>
  unit === 'user' || unit === 'request' ? `${unit}s` : `${unit} keys`;

/** A regression as it is shown: its moment as ISO 8601, and itself in words. */
export type ShownRegression = Omit<Regression, 'at'> & { at: string; words: string };

export const shownRegression = (found: Regression): ShownRegression => ({
  ...found,
  at: new Date(found.at).toISOString(),
  words: inWords(found),
});

/** A version as people say it: `v1` for the flag value 1. */
export const versionName = (version: string): string => (/^\d/.test(version) ? `v${version}` : version);

const share = ({ events, units }: Side): string =>
  units === 0 ? '' : ` (${((events / units) * 100).toFixed(1)} %)`;

const msText = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

const most = 1e6;

/** Evidence as odds, `1 : 41,000`: to two digits, and no higher than anybody cares. Takes its natural logarithm. */
export const oddsText = (log: number): string =>
  log > Math.log(most) ? `over ${against(most)}` : against(Number(Math.exp(log).toPrecision(2)));

const against = (odds: number): string => `1 : ${odds.toLocaleString('en-US')}`;
