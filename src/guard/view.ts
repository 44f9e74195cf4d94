import { shownRegression, type Regression, type ShownRegression } from '../telemetry/regression.ts';
import { createJudge, type Signal } from './judge.ts';
import type { Watch } from './watch.ts';

/** What one version did in this epoch: users (or requests) seen, and those of them that failed. */
export type SeenSide = { version: string; units: number; failed: number };

/** How one test stands: natural logarithms of its evidence, and of what is needed to act, or for `split` to warn. */
export type SignalView = {
  signal: Signal;
  evidence: number;
  needed: number;
  /** Whether it has warned in this epoch. */
  warned: boolean;
};

/** The guard of a route as the admin port shows it. Durations are milliseconds, moments ISO 8601. */
export type GuardView = {
  route: string;
  flag: string;
  onRegression: 'rollback' | 'pause' | 'notify';
  /** What is counted: a context kind, or `request`. */
  unit: string;
  /** Whether both versions are served now, so that there is something to compare. */
  comparing: boolean;
  /** Counted from the beginning of the rollout, or of the last clearing. Each has its own test. */
  epoch: { number: number; leftMs: number };
  seen: { control: SeenSide; treatment: SeenSide };
  signals: SignalView[];
  /** What was found, until a person clears it. */
  trip: ShownRegression | undefined;
  /** Whether the trip is kept where it outlives the proxy; `detail` says where, and what is in the way. */
  state: { saved: boolean; detail: string };
  /** How turning the flag off in LaunchDarkly goes; undefined where that is not wanted. */
  launchdarkly: { status: 'trying' | 'off' | 'left alone'; detail: string } | undefined;
};

/**
 * The end of a clearing: the guard after it, or why nothing was done. `unknown`: there is no such guard. `refused`: there
 * is nothing to clear. `away`: the state cannot be written now.
 */
export type Cleared =
  { ok: true; guard: GuardView } | { ok: false; why: 'unknown' | 'refused' | 'away'; detail: string };

type Viewed = {
  watch: Watch;
  keeper: {
    tripped(flag: string): Regression | undefined;
    watchedFrom(flag: string): number | undefined;
    saved(flag: string): GuardView['state'];
  };
  warned: ReadonlySet<Signal>;
  /** Treatment's share, 0 to 1; undefined where the flag does not divide. */
  share: number | undefined;
};

/** `now` by the store's clock. */
export function viewOf(
  { watch, keeper, warned, share }: Viewed,
  now: number,
  launchdarkly: GuardView['launchdarkly'],
): GuardView {
  const { route } = watch;
  const { flag, guard } = route;
  const begun = watch.epoch();
  const regression = keeper.tripped(flag);
  const from = keeper.watchedFrom(flag);
  // A person has just said to go on, or has seen to what was found: it is shown from nothing.
  const anew = from === undefined ? regression === undefined : begun.j > 0 && from !== begun.from;
  const judge = anew ? createJudge(guard) : watch.judge;
  const j = anew ? 1 : begun.j;
  const seen = judge.counts();
  const { saved, detail } = keeper.saved(flag);
  const leftMs =
    j === 0 || from === undefined ? guard.epoch : Math.max(0, Math.round(from + j * guard.epoch - now));
  const sideOf = (version: string, { units, events }: typeof seen.control): SeenSide => ({
    version,
    units,
    failed: events,
  });
  return {
    route: route.name,
    flag,
    onRegression: guard.onRegression,
    unit: watch.unit(),
    comparing: from !== undefined && share !== undefined && share > 0 && share < 1,
    epoch: { number: j, leftMs },
    seen: {
      control: sideOf(route.control, seen.control),
      treatment: sideOf(watch.treatment(), seen.treatment),
    },
    signals: judge
      .standings()
      .filter(({ signal }) => signal !== 'latency' || guard.latency !== undefined)
      .map(({ signal, evidence, act: needed }) => ({
        signal,
        evidence,
        needed,
        warned: !anew && warned.has(signal),
      })),
    trip: regression && shownRegression(regression),
    state: { saved, detail },
    launchdarkly,
  };
}
