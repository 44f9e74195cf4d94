import { addHistogram, count, createHistogram, finely, type Histogram } from './histogram.ts';
import { answered, classOf, failedUpstream, latencyOf, type Outcome } from './outcome.ts';

/** Seconds; from a fast answer on loopback to the longest default timeout. */
export const durationBounds = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const;

/** Between two bounds of durations, for quantiles. */
export const headSteps = 8;
export const headBounds: readonly number[] = finely(durationBounds, headSteps);

/** What was decided, as far as it is counted. */
export type Decided = {
  version: string | undefined;
  reason: string;
  /** LaunchDarkly's reason, where a flag was asked. */
  evaluation: { reason: { kind: string; errorKind?: string } } | undefined;
};

/** Requests of one route, version and class of status (2 for 2xx) that have ended. */
export type Ended = {
  reasons: Map<string, number>;
  bytesIn: number;
  bytesOut: number;
  /** Seconds from the request head to the end of the response. */
  durations: Histogram;
};

/** What was served by one version of a route. `version` is undefined on a plain route, both where none matched. */
export type Side = {
  route: string | undefined;
  version: string | undefined;
  /** Decided and not ended. */
  inFlight: number;
  /** Decisions by reason. */
  decisions: Map<string, number>;
  requests: number;
  /** Requests that failed by the upstream's fault. */
  failed: number;
  /** By the first digit of the status. */
  ended: (Ended | undefined)[];
  /** Seconds until the response head, without connecting, of what succeeded and has an end. */
  heads: Histogram;
};

/** What requests have come to since the start, in plain numbers: whoever shows them asks, and the request path only adds. */
export type Tally = {
  began(route: string, flag: string | undefined, decided: Decided): void;
  ended(outcome: Outcome): void;
  /** What was turned away before it was a request. */
  refused: (code: string) => void;
  /** The guard has found a version worse. */
  tripped(route: string, signal: string): void;
  sides(): Iterable<Side>;
  /** What one version of a route has served; undefined when nothing. */
  side(route: string, version: string): Side | undefined;
  /** Evaluations by flag and reason, failures by upstream and code, refusals by code, trips by route and signal. */
  evaluations: CountsByTwo;
  failures: CountsByTwo;
  /** Whether an upstream's last exchange went well, or failed by its fault; nothing of one that has not answered. */
  health: ReadonlyMap<string, boolean>;
  refusals: ReadonlyMap<string, number>;
  trips: CountsByTwo;
  /** Hands over what was counted, and begins anew. */
  take(): TallyPart;
  /** Requests in flight that will never end, since their process has. */
  forget(route: string | undefined, version: string | undefined, inFlight: number): void;
  /** Adds what another process has counted. */
  absorb(part: TallyPart): void;
};

/** What was counted since the last such part was taken; the same as a `Tally`, but that `inFlight` is how it has changed. */
export type TallyPart = {
  sides: Side[];
  evaluations: CountsByTwo;
  failures: CountsByTwo;
  health: ReadonlyMap<string, boolean>;
  refusals: ReadonlyMap<string, number>;
  trips: CountsByTwo;
};

type CountsByTwo = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** How a request fails that was refused, or for which there was no room. */
const turnedAway = new Set([
  'bad_request',
  'bad_target',
  'bad_host',
  'bad_version',
  'too_many_headers',
  'uri_too_long',
  'body_too_large',
  'body_timeout',
  'loop',
  'upstream_busy',
  'too_many_tunnels',
  'shutting_down',
  'exhausted',
]);

export function createTally(): Tally {
  // Names come from the configuration, and reasons and codes from the program: neither grows with what clients send.
  const routes = new Map<string | undefined, Map<string | undefined, Side>>();
  const evaluations = new Map<string, Map<string, number>>();
  const failures = new Map<string, Map<string, number>>();
  const health = new Map<string, boolean>();
  const refusals = new Map<string, number>();
  const trips = new Map<string, Map<string, number>>();

  function sideOf(route: string | undefined, version: string | undefined): Side {
    let versions = routes.get(route);
    if (versions === undefined) routes.set(route, (versions = new Map()));
    let side = versions.get(version);
    if (side === undefined) versions.set(version, (side = emptySide(route, version)));
    return side;
  }

  return {
    began(route, flag, { version, reason, evaluation }) {
      const side = sideOf(route, version);
      side.inFlight += 1;
      add(side.decisions, reason);
      if (flag !== undefined && evaluation !== undefined)
        add(within(evaluations, flag), evaluation.reason.errorKind ?? evaluation.reason.kind);
    },
    ended(outcome) {
      const { route, version, reason, durationMs, upstream, error } = outcome;
      const side = sideOf(route, version);
      if (reason !== undefined) side.inFlight -= 1;
      side.requests += 1;
      const failed = failedUpstream(outcome);
      if (failed) side.failed += 1;
      const latency = latencyOf(outcome);
      if (latency !== undefined) count(side.heads, latency / 1000);
      if (upstream !== undefined && (failed || answered(outcome)) && health.get(upstream) !== !failed)
        health.set(upstream, !failed);
      const ended = (side.ended[classOf(outcome)] ??= nothingEnded());
      add(ended.reasons, reason ?? '');
      ended.bytesIn += outcome.bytesIn;
      ended.bytesOut += outcome.bytesOut;
      count(ended.durations, durationMs / 1000);
      if (error === undefined) return;
      if (error.source === 'upstream') add(within(failures, upstream ?? ''), error.code);
      if (turnedAway.has(error.code)) add(refusals, error.code);
    },
    refused: (code) => add(refusals, code),
    tripped: (route, signal) => add(within(trips, route), signal),
    *sides() {
      for (const versions of routes.values()) yield* versions.values();
    },
    side: (route, version) => routes.get(route)?.get(version),
    evaluations,
    failures,
    health,
    refusals,
    trips,
    take() {
      const sides = [...routes.values()].flatMap((versions) => [...versions.values()]);
      routes.clear();
      return {
        sides,
        evaluations: emptied(evaluations),
        failures: emptied(failures),
        health: emptied(health),
        refusals: emptied(refusals),
        trips: emptied(trips),
      };
    },
    forget(route, version, inFlight) {
      sideOf(route, version).inFlight -= inFlight;
    },
    absorb(part) {
      for (const side of part.sides) addSide(sideOf(side.route, side.version), side);
      addByTwo(evaluations, part.evaluations);
      addByTwo(failures, part.failures);
      addByTwo(trips, part.trips);
      addAll(refusals, part.refusals);
      for (const [upstream, well] of part.health) health.set(upstream, well);
    },
  };
}

function emptied<K, V>(map: Map<K, V>): Map<K, V> {
  const held = new Map(map);
  map.clear();
  return held;
}

function addAll(to: Map<string, number>, from: ReadonlyMap<string, number>): void {
  for (const [key, value] of from) to.set(key, (to.get(key) ?? 0) + value);
}

function addByTwo(to: Map<string, Map<string, number>>, from: CountsByTwo): void {
  for (const [key, counts] of from) addAll(within(to, key), counts);
}

function addSide(to: Side, from: Side): void {
  to.inFlight += from.inFlight;
  to.requests += from.requests;
  to.failed += from.failed;
  addAll(to.decisions, from.decisions);
  addHistogram(to.heads, from.heads);
  for (const [digit, ended] of from.ended.entries()) {
    if (ended === undefined) continue;
    const own = (to.ended[digit] ??= nothingEnded());
    own.bytesIn += ended.bytesIn;
    own.bytesOut += ended.bytesOut;
    addAll(own.reasons, ended.reasons);
    addHistogram(own.durations, ended.durations);
  }
}

const emptySide = (route: string | undefined, version: string | undefined): Side => ({
  route,
  version,
  inFlight: 0,
  decisions: new Map(),
  requests: 0,
  failed: 0,
  ended: [],
  heads: createHistogram(headBounds),
});

const nothingEnded = (): Ended => ({
  reasons: new Map(),
  bytesIn: 0,
  bytesOut: 0,
  durations: createHistogram(durationBounds),
});

const add = (counts: Map<string, number>, key: string): void =>
  void counts.set(key, (counts.get(key) ?? 0) + 1);

function within(maps: Map<string, Map<string, number>>, key: string): Map<string, number> {
  let map = maps.get(key);
  if (map === undefined) maps.set(key, (map = new Map()));
  return map;
}
