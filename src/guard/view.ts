import type { Regression } from '../telemetry/regression.ts';

/** What one version did in this epoch: users (or requests) seen, and those of them that failed. */
export type SeenSide = { version: string; units: number; failed: number };

/** How one test stands: natural logarithms of its evidence, and of what is needed to act, or for `split` to warn. */
export type SignalView = {
  signal: 'errors' | 'latency' | 'split';
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
  /** Counted from the beginning of the rollout, or of the last clearing. Each has its own test. */
  epoch: { number: number; leftMs: number };
  seen: { control: SeenSide; treatment: SeenSide };
  signals: SignalView[];
  /** What was found, until a person clears it. */
  trip: (Omit<Regression, 'at'> & { at: string; words: string }) | undefined;
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
