import { byTwo, one, type Family, type Upstream } from './family.ts';
import { countOf } from './histogram.ts';
import { durationBounds, headSteps, type Side, type Tally } from './tally.ts';

const sideLabels = ['route', 'version'] as const;
const endedLabels = ['route', 'version', 'status'] as const;

/** Requests, and the connections they take. */
export const trafficFamilies: readonly Family[] = [
  {
    name: 'trenchcoat_requests_total',
    type: 'counter',
    help: 'Requests that have ended, by route, version, class of status (of gRPC: what its status comes to), and why the version was chosen.',
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
        if (countOf(side.heads.counts) > 0)
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
    help: 'Requests sent once more: their kept connection had died, or an upstream of HTTP/2 had not looked at them.',
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
    name: 'trenchcoat_certificate_expiry_timestamp_seconds',
    type: 'gauge',
    help: 'Until when a certificate holds that clients or upstreams are shown, in seconds since 1970, by file.',
    labels: ['file'],
    *samples({ certificates }) {
      const byFile = new Map(certificates().map(({ file, expiresAt }) => [file, expiresAt]));
      for (const [file, expiresAt] of byFile) yield { labels: { file }, value: expiresAt / 1000 };
    },
  },
];

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
