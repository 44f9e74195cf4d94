import { tellingAllocation } from './allocation.ts';
import { ours } from './contenders/ours.ts';
import {
  direct,
  everythingOn,
  httpProxy,
  lessOfOurs,
  peers,
  split,
  undici,
  type Contender,
} from './contenders.ts';
import { fromLaunchDarkly } from './launchdarkly.ts';
import { asMuchAsPossible, byClient, type Driver } from './load.ts';
import type { Figure } from './report.ts';

/** What is measured: some contenders in turn, under one load. */
export type Scenario = {
  name: string;
  about: string;
  contenders: readonly Contender[];
  driver: Driver;
  /** What warms them up, where the load itself would take too long. */
  warming?: Driver;
  figures: readonly Figure[];
  /** What is behind the contenders; answers, unless told. */
  upstream?: 'answers' | 'echoes';
  /** Whether clients speak TLS. */
  tls?: boolean;
  nodeFlags?: readonly string[];
};

const proxies = [...split, httpProxy, ...peers, undici, everythingOn];
const loaded: readonly Figure[] = ['cpu', 'toHttpProxy', 'toUndici', 'toNginx', 'perSecond', 'p50', 'p99'];

/** A body below `/fact/of/` of the upstream. */
export const bodies = { '100b': 100, '10k': 10_240, '1m': 1_048_576 } as const;

const ofBody = (name: keyof typeof bodies): Scenario => ({
  name: `body-${name}`,
  about: `answers of ${bodies[name]} bytes`,
  contenders: [direct, ...proxies],
  driver: asMuchAsPossible({ path: `/fact/of/${name}`, connections: name === '1m' ? 16 : 64 }),
  figures: ['cpu', 'toHttpProxy', 'toUndici', 'toNginx', 'perSecond', 'megabytes'],
});

export const scenarios = (rate: number): readonly Scenario[] => [
  {
    name: 'cpu',
    about: 'small answers, as many as can be had by 64 connections',
    contenders: [direct, ...proxies, ...lessOfOurs],
    driver: asMuchAsPossible(),
    figures: loaded,
  },
  {
    name: 'latency',
    about: `${rate} requests a second on 64 connections, each counted from when it was due`,
    contenders: [direct, ...proxies],
    driver: byClient('fixed-rate', rate, 64),
    warming: asMuchAsPossible(),
    figures: ['p50', 'p99', 'p999', 'overDirect50', 'overDirect99', 'cpu'],
  },
  ofBody('100b'),
  ofBody('10k'),
  ofBody('1m'),
  {
    name: 'crowd',
    about: 'small answers to 1,000 connections',
    contenders: proxies,
    driver: asMuchAsPossible({ connections: 1000 }),
    figures: loaded,
  },
  {
    name: 'tls',
    about: 'small answers to 64 connections in TLS',
    contenders: [...split, httpProxy, undici, everythingOn],
    driver: asMuchAsPossible({ tls: true }),
    figures: loaded,
    tls: true,
  },
  {
    name: 'messages',
    about: 'WebSocket messages of 100 bytes and back, on 64 connections; what is counted is a round trip',
    contenders: [direct, ...split, httpProxy, everythingOn],
    driver: byClient('messages', 64, 100),
    figures: ['cpu', 'toHttpProxy', 'toNginx', 'perSecond', 'p50', 'p99'],
    upstream: 'echoes',
  },
  {
    name: 'routes',
    about: 'routes, each with an upstream of its own, of which the last is asked',
    contenders: [1, 100, 10_000].map((routes) => ({
      name: `routes-${routes}`,
      about: `ours with ${routes} routes and ${routes + 1} upstreams`,
      start: ours({ routes }),
    })),
    driver: asMuchAsPossible(),
    figures: ['cpu', 'perSecond', 'p50', 'p99'],
  },
  {
    name: 'events',
    about: 'flags of LaunchDarkly, with and without events; more than 1,000 a second it drops',
    contenders: [
      { name: 'no-events', about: 'ours', start: ours({ flags: fromLaunchDarkly(undefined) }) },
      { name: 'events', about: 'ours, no metrics', start: ours({ flags: fromLaunchDarkly(0) }) },
      {
        name: 'sampled',
        about: 'metrics of each tenth request',
        start: ours({ flags: fromLaunchDarkly(0.1) }),
      },
      { name: 'metrics', about: 'metrics of every request', start: ours({ flags: fromLaunchDarkly(1) }) },
    ],
    driver: asMuchAsPossible(),
    figures: ['cpu', 'perSecond', 'p50', 'p99'],
  },
  {
    name: 'allocation',
    about: "bytes of V8's heap that a request takes",
    contenders: [
      httpProxy,
      ...peers,
      undici,
      everythingOn,
      ...lessOfOurs.filter(({ name }) => name !== 'workers'),
    ],
    driver: asMuchAsPossible(),
    figures: ['allocated'],
    nodeFlags: tellingAllocation,
  },
];
