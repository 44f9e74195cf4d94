import { countOf } from './histogram.ts';
import { durationBounds, headSteps, type Side, type Tally } from './tally.ts';

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
  flagSource: () => { ready: boolean; staleMs: number };
  /** Treatment's share of a rollout in percent, and its status. */
  rollouts: () => readonly { flag: string; percent: number; status: string }[];
  guards: () => readonly Guard[];
  droppedLines: () => number;
  /** trenchcoat's version. */
  version: string;
};

type Upstream = {
  name: string;
  active: number;
  idle: number;
  tunnels: number;
  waiting: number;
  connects: number;
  replays: number;
};

/** Natural logarithms of each signal's evidence, and of what is needed. */
type Guard = {
  route: string;
  signals: readonly { signal: string; evidence: number; needed: number }[];
  trip?: object | undefined;
};

const sideLabels = ['route', 'version'] as const;
const endedLabels = ['route', 'version', 'status'] as const;

export const families: readonly Family[] = [
  {
    name: 'trenchcoat_requests_total',
    type: 'counter',
    help: 'Requests that have ended, by route, version, class of status, and why the version was chosen.',
    labels: [...endedLabels, 'reason'],
    *samples({ tally }) {
      for (const [side, status, ended] of allEnded(tally))
        for (const [reason, value] of ended.reasons)
          yield { labels: { ...named(side), status, reason }, value };
    },
  },
  {
    name: 'trenchcoat_request_duration_seconds',
    type: 'histogram',
    help: 'From the request head to the end of the response, tunnels and streams included.',
    labels: endedLabels,
    *samples({ tally }) {
      for (const [side, status, { durations }] of allEnded(tally))
        yield { labels: { ...named(side), status }, value: durations.sum, buckets: durations.counts };
    },
  },
  {
    name: 'trenchcoat_response_head_seconds',
    type: 'histogram',
    help: 'Until the response head, without the time to connect, of what succeeded: what the guard compares.',
    labels: sideLabels,
    *samples({ tally }) {
      for (const side of tally.sides())
        if (side.heads.sum > 0)
          yield { labels: named(side), value: side.heads.sum, buckets: coarse(side.heads.counts) };
    },
  },
  {
    name: 'trenchcoat_requests_in_flight',
    type: 'gauge',
    help: 'Requests that were decided and have not ended.',
    labels: sideLabels,
    *samples({ tally }) {
      for (const side of tally.sides())
        if (side.decisions.size > 0) yield { labels: named(side), value: side.inFlight };
    },
  },
  {
    name: 'trenchcoat_received_bytes_total',
    type: 'counter',
    help: 'Bytes received from clients, heads included.',
    labels: endedLabels,
    *samples({ tally }) {
      for (const [side, status, { bytesIn }] of allEnded(tally))
        yield { labels: { ...named(side), status }, value: bytesIn };
    },
  },
  {
    name: 'trenchcoat_sent_bytes_total',
    type: 'counter',
    help: 'Bytes sent to clients, heads included.',
    labels: endedLabels,
    *samples({ tally }) {
      for (const [side, status, { bytesOut }] of allEnded(tally))
        yield { labels: { ...named(side), status }, value: bytesOut };
    },
  },
  {
    name: 'trenchcoat_decisions_total',
    type: 'counter',
    help: 'Decisions on which version serves a request, as they are made, by reason.',
    labels: [...sideLabels, 'reason'],
    *samples({ tally }) {
      for (const side of tally.sides())
        for (const [reason, value] of side.decisions) yield { labels: { ...named(side), reason }, value };
    },
  },
  {
    name: 'trenchcoat_refused_total',
    type: 'counter',
    help: 'Requests and connections turned away here: malformed, over a limit, or without room; by code.',
    labels: ['code'],
    *samples({ tally }) {
      for (const [code, value] of tally.refusals) yield { labels: { code }, value };
    },
  },
  {
    name: 'trenchcoat_client_connections',
    type: 'gauge',
    help: 'Open connections of clients.',
    labels: [],
    samples: ({ clientConnections }) => one(clientConnections()),
  },
  {
    name: 'trenchcoat_upstream_connections',
    type: 'gauge',
    help: 'Open connections to an upstream: with an exchange (active), kept for the next (idle), with a tunnel or event stream (tunnel).',
    labels: ['upstream', 'state'],
    *samples({ upstreams }) {
      for (const { name: upstream, active, idle, tunnels } of upstreams())
        for (const [state, value] of Object.entries({ active, idle, tunnel: tunnels }))
          yield { labels: { upstream, state }, value };
    },
  },
  {
    name: 'trenchcoat_upstream_waiting_requests',
    type: 'gauge',
    help: 'Requests that wait for a connection to an upstream.',
    labels: ['upstream'],
    samples: ({ upstreams }) => byUpstream(upstreams(), ({ waiting }) => waiting),
  },
  {
    name: 'trenchcoat_upstream_connects_total',
    type: 'counter',
    help: 'Connections to an upstream that were begun.',
    labels: ['upstream'],
    samples: ({ upstreams }) => byUpstream(upstreams(), ({ connects }) => connects),
  },
  {
    name: 'trenchcoat_upstream_replays_total',
    type: 'counter',
    help: 'Requests sent once more, since their kept connection had died.',
    labels: ['upstream'],
    samples: ({ upstreams }) => byUpstream(upstreams(), ({ replays }) => replays),
  },
  {
    name: 'trenchcoat_upstream_failures_total',
    type: 'counter',
    help: 'Exchanges with an upstream that failed, by code.',
    labels: ['upstream', 'code'],
    samples: ({ tally }) => byTwo(tally.failures, 'upstream', 'code'),
  },
  {
    name: 'trenchcoat_flag_source_ready',
    type: 'gauge',
    help: '1 when flags have arrived and the source is healthy, else 0.',
    labels: [],
    samples: ({ flagSource }) => one(flagSource().ready ? 1 : 0),
  },
  {
    name: 'trenchcoat_flag_source_stale_seconds',
    type: 'gauge',
    help: 'For how long the source of flags has not been healthy, and the last known flags or defaults are served.',
    labels: [],
    samples: ({ flagSource }) => one(flagSource().staleMs / 1000),
  },
  {
    name: 'trenchcoat_flag_evaluations_total',
    type: 'counter',
    help: "Evaluations of a flag, by LaunchDarkly's reason.",
    labels: ['flag', 'reason'],
    samples: ({ tally }) => byTwo(tally.evaluations, 'flag', 'reason'),
  },
  {
    name: 'trenchcoat_rollout_percent',
    type: 'gauge',
    help: "Treatment's share of a rollout in force here, in percent.",
    labels: ['flag'],
    *samples({ rollouts }) {
      for (const { flag, percent } of rollouts()) yield { labels: { flag }, value: percent };
    },
  },
  {
    name: 'trenchcoat_rollout_state',
    type: 'gauge',
    help: '1 for the state that a rollout is in.',
    labels: ['flag', 'state'],
    *samples({ rollouts }) {
      for (const { flag, status } of rollouts()) yield { labels: { flag, state: status }, value: 1 };
    },
  },
  {
    name: 'trenchcoat_guard_evidence',
    type: 'gauge',
    help: 'Evidence that treatment is worse than control, as odds against 1; of `split`, that users do not divide as scheduled.',
    labels: ['route', 'signal'],
    samples: ({ guards }) => bySignal(guards(), ({ evidence }) => evidence),
  },
  {
    name: 'trenchcoat_guard_evidence_needed',
    type: 'gauge',
    help: 'The odds at which the guard acts; of `split`, warns.',
    labels: ['route', 'signal'],
    samples: ({ guards }) => bySignal(guards(), ({ needed }) => needed),
  },
  {
    name: 'trenchcoat_guard_tripped',
    type: 'gauge',
    help: '1 while the guard has found treatment worse, and nobody has cleared it.',
    labels: ['route'],
    *samples({ guards }) {
      for (const { route, trip } of guards()) yield { labels: { route }, value: trip === undefined ? 0 : 1 };
    },
  },
  {
    name: 'trenchcoat_guard_trips_total',
    type: 'counter',
    help: 'How often this proxy has found treatment worse, by what gave it away.',
    labels: ['route', 'signal'],
    samples: ({ tally }) => byTwo(tally.trips, 'route', 'signal'),
  },
  {
    name: 'trenchcoat_log_lines_dropped_total',
    type: 'counter',
    help: 'Log lines that could not be written: the reader was gone or too slow, or the disk full.',
    labels: [],
    samples: ({ droppedLines }) => one(droppedLines()),
  },
  {
    name: 'trenchcoat_build_info',
    type: 'gauge',
    help: 'Always 1; what runs here.',
    labels: ['version', 'node'],
    samples: ({ version }) => [{ labels: { version, node: process.version }, value: 1 }],
  },
];

const one = (value: number): Sample[] => [{ labels: {}, value }];

const named = ({ route = '', version = '' }: Side) => ({ route, version });

function* allEnded(tally: Tally) {
  for (const side of tally.sides())
    for (const [digit, ended] of side.ended.entries())
      if (ended !== undefined) yield [side, `${digit}xx`, ended] as const;
}

/** As many buckets as there are bounds of durations, of those that lie between. */
const coarse = (counts: Float64Array): Float64Array =>
  Float64Array.from({ length: durationBounds.length + 1 }, (_, index) =>
    countOf(counts.subarray(index * headSteps, (index + 1) * headSteps)),
  );

function* byUpstream(upstreams: readonly Upstream[], value: (one: Upstream) => number) {
  for (const one of upstreams) yield { labels: { upstream: one.name }, value: value(one) };
}

function* byTwo(counts: Tally['failures'], outer: string, inner: string) {
  for (const [first, map] of counts)
    for (const [second, value] of map) yield { labels: { [outer]: first, [inner]: second }, value };
}

/** Prometheus' numbers end there. */
const most = 1e300;

function* bySignal(guards: readonly Guard[], log: (one: Guard['signals'][number]) => number) {
  for (const { route, signals } of guards)
    for (const one of signals)
      yield { labels: { route, signal: one.signal }, value: Math.min(most, Math.exp(log(one))) };
}
