import { createHash } from 'node:crypto';
import type { GuardConfig } from '../config/guard-schema.ts';
import type { EvaluationContext } from '../identity/context.ts';
import { classOf, latencyOf, type Outcome } from '../telemetry/outcome.ts';
import type { Regression, Side } from '../telemetry/regression.ts';
import { createJudge, type Judge, type Verdict } from './judge.ts';
import { thresholds, type Tick } from './tick.ts';
import { createWindow } from './window.ts';

/** A route whose versions are compared. */
export type GuardedRoute = {
  name: string;
  flag: string;
  /** The version that all others are compared with. */
  control: string;
  /** The version that is named where none was seen yet. */
  treatment: string;
  /** The context kind that versions are chosen by, unless the flag says otherwise. */
  contextKind: string;
  guard: GuardConfig & { onRegression: Regression['action'] };
};

/** How a flag divides contexts: treatment's share in percent, and the context kind; undefined where it does not. */
export type Scheduled = { percent: number; contextKind: string | undefined } | undefined;

/** When it was found, by the store's clock, and what share and stage treatment had; null where they are not known. */
export type Circumstances = Pick<Regression, 'at' | 'percent' | 'stage'>;

/** What one proxy knows of one route: what it sees, and what that says. */
export type Watch = {
  route: GuardedRoute;
  judge: Judge;
  /** What is counted: a context kind, or `request`. */
  unit(): string;
  /** Counts by this context kind from now on. */
  countBy(contextKind: string): void;
  /** The version that was last seen to be compared. */
  treatment(): string;
  /** Somebody asks, and is given this version. */
  asked(version: string, context: EvaluationContext): void;
  /** Takes one request into account, as it ends, `now`. Whether v1 can be reached no more, while v0 can. */
  saw(outcome: Outcome, context: EvaluationContext, now: () => number): boolean;
  /** Ends the second under way; undefined when nothing was seen in it. */
  endTick(): Tick | undefined;
  /** Everything counts anew, from the j-th epoch of this beginning. */
  begin(from: number, j: number): void;
  epoch(): { from: number; j: number };
  /** The evidence as a record; without a verdict, that v1 could not be reached. */
  regression(verdict: Verdict | undefined, circumstances: Circumstances): Regression;
};

const connectFailures = new Set([
  'connect_refused',
  'connect_timeout',
  'connect_failed',
  'name_unknown',
  'tls_failed',
  'tls_expired',
  'tls_unknown_authority',
  'tls_wrong_name',
  'tls_refused',
  'no_http2',
]);

const keptIds = 10;

/** `random` gives 32 bits. */
export function createWatch(route: GuardedRoute, random: () => number): Watch {
  const { name, flag, control, guard } = route;
  const window = createWindow({ ...guard, seed: random() });
  const judge = createJudge(guard);
  let { contextKind } = route;
  const unit = () => (guard.unit === 'request' ? 'request' : contextKind);
  let epoch = { from: Number.NaN, j: 0 };
  let { treatment } = route;
  /** Connections to treatment that failed since one stood, or since control failed as well; when, and how the last did. */
  let unreached = 0;
  let unreachedFrom = 0;
  /** Whether control has answered somebody who came after the first of them. */
  let controlAnswers = false;
  let code: string | undefined;
  let busy = false;
  /** Requests on treatment that were somebody's first failure, or first slow answer above a threshold. */
  let failures: string[] = [];
  let slow: string[][] = thresholds.map(() => []);

  /** Whether it is time to act without statistics. What both depend on may have failed: control has to show that it has not. */
  function reached(onTreatment: boolean, { error, durationMs }: Outcome, now: () => number): boolean {
    const failed = error !== undefined && connectFailures.has(error.code);
    if (onTreatment && failed) {
      if (unreached === 0) {
        unreachedFrom = now();
        controlAnswers = false;
      }
      unreached += 1;
      ({ code } = error);
    } else if (onTreatment || failed) unreached = 0;
    else if (unreached > 0 && now() - durationMs >= unreachedFrom) controlAnswers = true;
    return controlAnswers && unreached >= guard.connectFailures;
  }

  function sideOf(
    version: string,
    side: 'control' | 'treatment',
    count: Pick<Side, 'units' | 'events'>,
  ): Side {
    const latencies = window.quantiles()[side];
    return { version, ...count, latencyMs: latencies ? rounded(latencies) : null };
  }

  /** The same on every proxy that finds the same. */
  const idOf = (signal: string): string =>
    createHash('sha256').update(`${name}\n${epoch.from}\n${epoch.j}\n${signal}`).digest('hex').slice(0, 16);

  return {
    route,
    judge,
    unit,
    countBy: (kind) => void (contextKind = kind),
    treatment: () => treatment,
    asked(version, context) {
      const key = keyOf(context, contextKind);
      if (key === undefined) return;
      busy = true;
      if (version !== control) treatment = version;
      window.asked(key, version !== control);
    },
    saw(outcome, context, now) {
      const { version, error, id } = outcome;
      // A client that left says nothing of the upstream, and neither does what we ourselves refused.
      if (version === undefined || (error !== undefined && error.source !== 'upstream')) return false;
      const key = keyOf(context, contextKind);
      if (key === undefined) return false;
      busy = true;
      const onTreatment = version !== control;
      const failed = error !== undefined || classOf(outcome) >= (guard.clientErrors ? 4 : 5);
      const latency = failed ? undefined : latencyOf(outcome);
      const first = window.ended(key, onTreatment, failed, latency);
      if (onTreatment && first === 'failure') keepId(failures, id);
      // Thresholds grow: whoever is above one is above those before it.
      else if (onTreatment && typeof first === 'number')
        for (const ids of slow.slice(0, first + 1)) keepId(ids, id);
      return reached(onTreatment, outcome, now);
    },
    endTick() {
      if (!busy) return undefined;
      busy = false;
      return window.close();
    },
    begin(from, j) {
      epoch = { from, j };
      judge.begin(j);
      window.newEpoch();
      failures = [];
      slow = thresholds.map(() => []);
      unreached = 0;
    },
    epoch: () => epoch,
    regression(verdict, circumstances) {
      const signal = verdict?.signal ?? 'connect';
      const counts = verdict ?? judge.counts();
      const reach = { units: unreached, events: unreached };
      return {
        id: idOf(signal),
        ...circumstances,
        flag,
        route: name,
        signal,
        action: guard.onRegression,
        unit: unit(),
        control: sideOf(control, 'control', counts.control),
        treatment: sideOf(treatment, 'treatment', verdict === undefined ? reach : counts.treatment),
        evidence: verdict ? rounded({ log: verdict.evidence, needed: verdict.needed }) : null,
        slowerThanMs: signal === 'latency' ? known(window.slowerThan(verdict?.threshold ?? 0)) : null,
        code: verdict === undefined ? (code ?? null) : null,
        requestIds: (signal === 'latency' ? (slow[verdict?.threshold ?? 0] ?? []) : failures).slice(),
      };
    },
  };
}

/** Another proxy may know from when on an answer is slow, where this one has seen too few. */
const known = (limit: { control: number; treatment: number }) =>
  limit.control === Infinity ? null : rounded(limit);

/** To three decimals: people read them. */
const rounded = <T extends Record<string, number>>(numbers: T): T =>
  Object.fromEntries(
    Object.entries(numbers).map(([name, number]) => [name, Math.round(number * 1000) / 1000]),
  ) as T;

function keepId(ids: string[], id: string): void {
  ids.push(id);
  if (ids.length > keptIds) ids.shift();
}

/** The key of one kind; undefined when the context has none. */
function keyOf(context: EvaluationContext, kind: string): string | undefined {
  if (context.kind !== 'multi')
    return context.kind === kind && typeof context['key'] === 'string' ? context['key'] : undefined;
  const single = context[kind];
  const key = typeof single === 'object' && single !== null && 'key' in single ? single.key : undefined;
  return typeof key === 'string' ? key : undefined;
}
