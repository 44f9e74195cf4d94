/** What happened in one step of time: a second, or a minute. Percentages are 0 to 100. */
export type Moment = {
  /** When it began, in milliseconds since 1970. */
  at: number;
  /** Treatment's share that the flag was set to; null where it does not divide by percentage. */
  scheduled: number | null;
  /** Treatment's share of the requests that a percentage decided; null where there were none. */
  observed: number | null;
  versions: Record<string, VersionMoment>;
  /** By route; natural logarithms, as of the end of the step. */
  evidence: Record<string, { errors: number; latency: number; needed: number }>;
};

/** Latencies are milliseconds until the response head, of what succeeded; null where nothing did. */
export type VersionMoment = {
  requests: number;
  /** By the upstream's fault. */
  failed: number;
  p50: number | null;
  p95: number | null;
  p99: number | null;
};

/** What was: moments oldest first, without those in which nothing happened. `step` is seconds. */
export type History = { flag: string; step: 1 | 60; moments: Moment[] };
