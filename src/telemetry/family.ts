import type { Tally } from './tally.ts';

/** One number of a family. `buckets` makes it a histogram: counts by bound, not cumulative, with all above the last behind them. */
export type Sample = { labels: Record<string, string>; value: number; buckets?: Float64Array };

/** What Prometheus is told under one name. */
export type Family = {
  name: string;
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  labels: readonly string[];
  samples(sources: MetricSources): Iterable<Sample>;
};

/** Where the numbers come from. Each is asked at a scrape, and none of them on the request path. */
export type MetricSources = {
  tally: Tally;
  clientConnections: () => number;
  upstreams: () => readonly Upstream[];
  /** `expiresAt` in milliseconds since 1970. */
  certificates: () => readonly { file: string; expiresAt: number }[];
  flagSource: () => { ready: boolean; staleMs: number };
  /** Treatment's share of a rollout in percent, and its status. */
  rollouts: () => readonly { flag: string; percent: number; status: string }[];
  guards: () => readonly Guard[];
  droppedLines: () => number;
  /** `appliedAt` in milliseconds since 1970. */
  reloads: () => { applied: number; refused: number; appliedAt: number; trouble: string | undefined };
  /** trenchcoat's version. */
  version: string;
};

export type Upstream = {
  name: string;
  active: number;
  idle: number;
  tunnels: number;
  waiting: number;
  connects: number;
  replays: number;
};

/** Natural logarithms of each signal's evidence, and of what is needed. */
export type Guard = {
  route: string;
  signals: readonly { signal: string; evidence: number; needed: number }[];
  /** What was found of the flag, and on which route. */
  trip?: { route: string } | undefined;
};

/** The one sample of a family without labels. */
export const one = (value: number): Sample[] => [{ labels: {}, value }];

/** A sample for each pair of names that was counted. */
export function* byTwo(counts: Tally['failures'], outer: string, inner: string) {
  for (const [first, map] of counts)
    for (const [second, value] of map) yield { labels: { [outer]: first, [inner]: second }, value };
}
