import type { Moment } from '../telemetry/moment.ts';

export type { History, Moment, VersionMoment } from '../telemetry/moment.ts';

/**
 * What the dashboard is told. Moments are milliseconds since 1970, durations milliseconds, percentages 0 to 100. No
 * flag data, key of a user, cookie or secret is in it.
 */

/** All that changes, told each second. */
export type Snapshot = {
  at: number;
  proxy: {
    /** trenchcoat's own. */
    version: string;
    phase: string;
    uptimeMs: number;
    connections: number;
    inFlight: number;
  };
  /** A sentence for each thing that has a say in readiness. */
  readiness: { ready: boolean; checks: Record<string, string> };
  flagSource: {
    source: 'local' | 'launchdarkly';
    initialized: boolean;
    healthy: boolean;
    detail: string;
    /** Since when it has not been healthy. */
    staleMs: number;
  };
  upstreams: UpstreamHealth[];
  flags: FlagStanding[];
  /** Flags and upstreams that are too many to be shown. */
  left: { flags: number; upstreams: number };
};

/** `failing`: the last exchange failed by the upstream's fault; `unused`: it has not answered anything yet. */
export type UpstreamHealth = {
  name: string;
  /** Origin and base path. */
  url: string;
  health: 'answering' | 'failing' | 'unused';
  active: number;
  idle: number;
  tunnels: number;
  waiting: number;
  /** Since the start, by code. */
  failures: Record<string, number>;
};

/** A flag that chooses versions, and how that goes. */
export type FlagStanding = {
  flag: string;
  /** Who moves the percentage. */
  managedBy: 'trenchcoat' | 'launchdarkly' | 'flag file';
  routes: string[];
  /** Control first. */
  versions: string[];
  /** Treatment's share that the flag is set to; null where it does not divide by percentage. */
  scheduled: number | null;
  rollout: RolloutStanding | null;
  guards: GuardStanding[];
  /** The second that has just ended. */
  latest: Moment;
};

export type RolloutStanding = {
  status: 'not_started' | 'in_progress' | 'paused' | 'regressed' | 'completed' | 'reverted' | 'unknown';
  percent: number;
  raise: { percent: number; inMs: number } | null;
  holdback: number;
  from: string;
  to: string;
  stages: { percent: number; forMs: number }[];
  /** Index into `stages` while one is under way or stopped. */
  stage: number | null;
  elapsedMs: number;
  /** Null while no clock runs. */
  leftMs: number | null;
  waitsFor: { requests: number; of: number } | null;
  /** What a person may do now: start, pause, resume, rollback, promote. */
  verbs: string[];
  state: { healthy: boolean; saved: boolean; detail: string };
  /** Newest last. `at` is ISO 8601. */
  history: {
    at: string;
    who: string;
    verb: string;
    from: string;
    to: string;
    percent: number;
    why: string;
  }[];
};

export type GuardStanding = {
  route: string;
  onRegression: 'rollback' | 'pause' | 'notify';
  /** What is counted: a context kind, or `request`. */
  unit: string;
  comparing: boolean;
  seen: {
    control: { version: string; units: number; failed: number };
    treatment: { version: string; units: number; failed: number };
  };
  /** `errors`, `latency` and `split`: natural logarithms of the evidence and of what is needed. `split` only warns. */
  signals: { signal: string; evidence: number; needed: number; warned: boolean }[];
  /** What was found, until a person clears it; `at` is ISO 8601. */
  trip: { at: string; signal: string; action: string; words: string; requestIds: string[] } | null;
};

/** What a request would get, without who asked. */
export type Explained = {
  route: string;
  flag: string | null;
  version: string | null;
  /** LaunchDarkly's word, or ours. */
  reason: string;
  /** The reason in a sentence. */
  meaning: string;
  upstream: string;
  /** The kinds of context that were found; `minted`: nobody was known, and a key was made up. */
  contexts: { kind: string; anonymous: boolean; minted: boolean }[];
  /** Place on the line from 0 to 100 %, and the percentage at which the control is left; null where no percentage decides. */
  bucket: {
    percent: number;
    movesAt: number | null;
    ranges: { version: string; from: number; to: number }[];
  } | null;
  warning: string | null;
};
