import {
  Counter,
  Gauge,
  Histogram,
  Registry,
  type Counter as CounterOf,
  type Histogram as HistogramOf,
} from 'prom-client';
import type { Outcome } from './outcome.ts';

/** The proxy's figures, in Prometheus' text format. */
export type Metrics = {
  observe(outcome: Outcome): void;
  contentType: string;
  text(): Promise<string>;
};

/** Seconds; from a fast answer on loopback to the longest default timeout. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What is told of a rollout: treatment's share in percent, and one of `statuses`. */
type Rollout = { flag: string; percent: number; status: string };

/** What is told of the guard of a route: the natural logarithm of each signal's evidence, and whether it has found something. */
type Guard = {
  route: string;
  signals: readonly { signal: string; evidence: number }[];
  trip?: object | undefined;
};

/** Prometheus' numbers end there. */
const most = 1e300;

/** `flagSourceReady`, `rollouts` and `guards` are asked at each scrape. */
export function createMetrics(
  flagSourceReady: () => boolean,
  rollouts: () => readonly Rollout[],
  guards: () => readonly Guard[],
): Metrics {
  const registry = new Registry();
  const requests = new Counter({
    name: 'trenchcoat_requests_total',
    help: 'Requests by route, version, status class and reason of the decision.',
    labelNames: ['route', 'version', 'status', 'reason'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'trenchcoat_request_duration_seconds',
    help: 'Time from the request head to the end of the response.',
    labelNames: ['route', 'version'],
    buckets,
    registers: [registry],
  });
  const failures = new Counter({
    name: 'trenchcoat_upstream_failures_total',
    help: 'Exchanges with an upstream that failed, by code.',
    labelNames: ['upstream', 'code'],
    registers: [registry],
  });
  const ready = new Gauge({
    name: 'trenchcoat_flag_source_ready',
    help: '1 when flags have arrived and the source is healthy, else 0.',
    registers: [registry],
    collect() {
      this.set(flagSourceReady() ? 1 : 0);
    },
  });
  ready.set(0);
  const percents = new Gauge({
    name: 'trenchcoat_rollout_percent',
    help: "Treatment's share of a rollout in force here, in percent.",
    labelNames: ['flag'],
    registers: [registry],
    collect() {
      for (const { flag, percent } of rollouts()) this.set({ flag }, percent);
    },
  });
  percents.reset();
  const states = new Gauge({
    name: 'trenchcoat_rollout_state',
    help: '1 for the state that a rollout is in.',
    labelNames: ['flag', 'state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { flag, status } of rollouts()) this.set({ flag, state: status }, 1);
    },
  });
  states.reset();

  const evidences = new Gauge({
    name: 'trenchcoat_guard_evidence',
    help: 'Evidence that treatment is worse than control, as odds against 1; of `split`, that users do not divide as scheduled.',
    labelNames: ['route', 'signal'],
    registers: [registry],
    collect() {
      for (const { route, signals } of guards())
        for (const { signal, evidence } of signals)
          this.set({ route, signal }, Math.min(most, Math.exp(evidence)));
    },
  });
  evidences.reset();
  const trips = new Gauge({
    name: 'trenchcoat_guard_tripped',
    help: '1 while the guard has found treatment worse, and nobody has cleared it.',
    labelNames: ['route'],
    registers: [registry],
    collect() {
      for (const { route, trip } of guards()) this.set({ route }, trip === undefined ? 0 : 1);
    },
  });
  trips.reset();

  // Finding a labelled child costs more than the increment; there are few, since every label is bounded by the
  // configuration.
  const counted = new Map<string, CounterOf.Internal>();
  const timed = new Map<string, HistogramOf.Internal<string>>();

  return {
    observe({ route = '', version = '', reason = '', status, durationMs, upstream = '', error }) {
      const statusClass = `${Math.floor(status / 100)}xx`;
      const key = `${route}\n${version}\n${statusClass}\n${reason}`;
      let counter = counted.get(key);
      if (counter === undefined) {
        counter = requests.labels({ route, version, status: statusClass, reason });
        counted.set(key, counter);
      }
      counter.inc();
      const timedKey = `${route}\n${version}`;
      let histogram = timed.get(timedKey);
      if (histogram === undefined) {
        histogram = durations.labels({ route, version });
        timed.set(timedKey, histogram);
      }
      histogram.observe(durationMs / 1000);
      if (error?.source === 'upstream') failures.inc({ upstream, code: error.code });
    },
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}
