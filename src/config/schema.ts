import { z } from 'zod';
import {
  address,
  headerName,
  name,
  secretText,
  size,
  streamSize,
  text,
  timeout,
  wait,
  type Address,
} from './scalars.ts';
import { contexts } from './context-schema.ts';
import { flags } from './flags-schema.ts';
import { notify } from './guard-schema.ts';
import { rollouts, state } from './rollout-schema.ts';
import { route, upstream } from './route-schema.ts';
import { listenTls, type ListenTls } from './tls-schema.ts';

/**
 * The configuration: types, defaults, descriptions, and through `z.toJSONSchema` the editor's schema and the
 * reference page. What a reader must know of a key stands in its `describe`.
 */

const bound = address.describe('HOST:PORT to bind; port 0 lets the system choose.');

/** How clients are met at an address: by default in plain HTTP/1.1. */
const listen = z
  .union([
    address,
    z.strictObject({
      address: bound,
      tls: listenTls
        .optional()
        .describe(
          'Clients speak TLS. Without it they speak plainly. Files that are renewed are taken within a second, all of them or none.',
        ),
      http2: z
        .boolean()
        .optional()
        .describe(
          'Whether HTTP/2 is spoken beside HTTP/1.1: with `tls` by ALPN, without it to clients that begin with its preface. Default: true with `tls`, else false.',
        ),
      proxyProtocol: z
        .boolean()
        .prefault(false)
        .describe(
          'Connections from `trustedProxies` begin with a PROXY protocol header, version 1 or 2, that says who the client is. Those from others must not.',
        ),
    }),
  ])
  .transform((value): ListenConfig => {
    if (!('address' in value)) return { ...value, tls: undefined, http2: false, proxyProtocol: false };
    const { tls, http2 = tls !== undefined, proxyProtocol } = value;
    return { ...value.address, tls, http2, proxyProtocol };
  });

/** Where clients connect, and how they are met there. */
export type ListenConfig = Address & { tls: ListenTls | undefined; http2: boolean; proxyProtocol: boolean };

const admin = z
  .union([
    z.literal('off'),
    address,
    z.strictObject({
      address: bound,
      token: secretText
        .optional()
        .describe(
          'What whoever administers has to bring: as `Authorization: Bearer`, or in a browser as the password beside any name. Without one the address must be loopback.',
        ),
      hosts: z
        .array(text('a host name'))
        .prefault([])
        .describe('Names that the Host header may bear, beside localhost and IP literals.'),
    }),
  ])
  .transform((value) => {
    if (value === 'off') return undefined;
    return 'address' in value ? value : { address: value, token: undefined, hosts: [] };
  });

const trustedProxy = z
  .union(
    [z.enum(['loopback', 'linklocal', 'private']), z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()],
    'an address, a CIDR such as 10.0.0.0/8, loopback, linklocal or private',
  )
  .meta({ title: 'an address, CIDR, `loopback`, `linklocal` or `private`' });

const override = z.strictObject({
  header: headerName
    .prefault('X-Api-Version')
    .describe('The request header in which a tester names a version.'),
  secret: z
    .string('a text, or an empty one')
    .meta({ title: 'a text', writeOnly: true })
    .describe('What the tester sends in X-Trenchcoat-Secret. Empty: the override is off.'),
});

const log = z.strictObject({
  level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .prefault('info')
    .describe(
      'The least severe level written. A request is `info`, `warn` when its upstream failed it, `error` when the fault is ours.',
    ),
  format: z
    .enum(['auto', 'json', 'pretty'])
    .prefault('auto')
    .describe('`json`: a JSON object a line. `pretty`: for people. `auto`: pretty on a terminal, else JSON.'),
  access: z.boolean().prefault(true).describe('One line a request.'),
});

const traces = z.strictObject({
  start: z
    .enum(['off', 'sampled', 'unsampled'])
    .prefault('off')
    .describe(
      'Whether a request that belongs to no trace starts one. Whoever starts a trace decides for all behind: services that follow their parent, as SDKs do unless told otherwise, keep all spans of a `sampled` trace and none of an `unsampled` one. With an OpenTelemetry SDK in the proxy, that decides, and this is ignored.',
    ),
});

/** What is off bounds nothing, so that a body is compared with a number either way. */
const bodyBytes = z
  .union([z.literal('off'), streamSize])
  .transform((value) => (value === 'off' ? Number.POSITIVE_INFINITY : value));

const limits = z.strictObject({
  headerBytes: size.prefault('16KiB').describe('Bytes of a request head. Over it: 431.'),
  headerCount: z.int().min(1).max(10_000).prefault(100).describe('Headers of a request. Over it: 431.'),
  uriBytes: size.prefault('8KiB').describe('Bytes of a request target. Over it: 414.'),
  headTimeout: timeout
    .prefault('15s')
    .describe('Until the request head is complete. Over it: 408. A TLS handshake has as long before it.'),
  bodyIdleTimeout: timeout
    .prefault('60s')
    .describe('Silence within a request body. Over it: 408, or a cut once the answer has begun.'),
  bodyBytes: bodyBytes.prefault('off').describe('Bytes of a request body. Over it: 413.'),
  keepAliveTimeout: timeout.prefault('75s').describe('Idle time of a client connection between requests.'),
  connections: z.int().min(1).max(1_000_000).prefault(10_000).describe('Client connections. Over it: 503.'),
});

const shutdown = z.strictObject({
  delay: wait.prefault('0s').describe('Time after readiness fails in which new connections are still taken.'),
  drain: wait.prefault('30s').describe('Time for requests in flight to end before they are cut.'),
});

export const schema = z
  .strictObject({
    listen: listen
      .prefault('0.0.0.0:8080')
      .describe('Where clients connect: HOST:PORT, or `{ address, tls, http2, proxyProtocol }`.'),
    admin: admin
      .prefault('127.0.0.1:9901')
      .describe(
        'The dashboard, metrics, probes, and the API of rollouts and guards: HOST:PORT, `off`, or `{ address, token, hosts }`.',
      ),
    context: contexts
      .prefault({ user: {} })
      .describe('Who is asking: one entry for each LaunchDarkly context kind.'),
    flags: flags.prefault({ source: 'local' }).describe('Where flags come from.'),
    rollouts: rollouts
      .prefault({})
      .describe(
        'Progressive rollouts that trenchcoat runs itself, by flag. With `flags.source: local` alone.',
      ),
    state: state
      .prefault('file:./trenchcoat-state.json')
      .describe(
        'Where the state of rollouts, and what guards have found, is kept: `file:PATH`, `memory` to forget it at the stop, or for several proxies `redis://…` or `{ redis, prefix }`. Touched only when there is something to keep.',
      ),
    upstreams: z.record(name, upstream).describe('The addresses requests are forwarded to, by name.'),
    routes: z.array(route, 'a list of routes').min(1, 'at least one route').describe('First match wins.'),
    trustedProxies: z
      .array(trustedProxy)
      .prefault([])
      .describe(
        'Whose X-Forwarded-* are believed and appended to; others are replaced. With `listen.proxyProtocol`, who has to begin with a PROXY header.',
      ),
    override: override.optional().describe('Lets testers pin a version. Off unless configured.'),
    notify: notify.prefault([]).describe('Who is told when a guard has found v1 worse.'),
    log: log.prefault({}).describe('What is logged, a line each, on standard output.'),
    traces: traces
      .prefault({})
      .describe('What becomes of traces (W3C Trace Context); they pass in any case.'),
    limits: limits.prefault({}).describe('Bounds on what a client may send.'),
    shutdown: shutdown.prefault({}).describe('How a stop goes.'),
    workers: z
      .union([z.literal('auto'), z.int().min(1).max(64)], 'a number of processes from 1 to 64, or auto')
      .prefault(1)
      .meta({ title: 'a number, or `auto`' })
      .describe(
        'Processes that take requests; `auto`: one a core. They are one proxy: limits, metrics, rollouts and guards hold for all together.',
      ),
  })
  .describe('Configuration of trenchcoat.');

export type Config = z.output<typeof schema>;
export type RouteConfig = Config['routes'][number];
export type FlagsConfig = Config['flags'];
export type Limits = Config['limits'];
export type StateConfig = Config['state'];
export type LogConfig = Config['log'];
export type TraceStart = Config['traces']['start'];
export type AdminConfig = NonNullable<Config['admin']>;
