import { z } from 'zod';
import { guard } from './guard-schema.ts';
import { form, httpUrl, method, mistake, name, text, timeout, version } from './scalars.ts';
import { upstreamTls } from './tls-schema.ts';

/** An address that requests are forwarded to, and what bounds the connections to it. */
export const upstream = z.strictObject({
  url: httpUrl.describe('Address and base path; the base path is put before the path of each request.'),
  preserveHost: z.boolean().prefault(false).describe("Send the client's Host instead of the upstream's."),
  connectTimeout: timeout.prefault('2s').describe('Until the connection stands. Over it: 504.'),
  responseTimeout: timeout.prefault('30s').describe('Until the response head. Over it: 504.'),
  idleTimeout: timeout
    .prefault('60s')
    .describe('Silence within a response body. Over it: the response is cut.'),
  maxConnections: z.int().min(1).max(65_535).prefault(512).describe('Open connections at the most.'),
  queue: z
    .int()
    .min(0)
    .max(1_000_000)
    .prefault(1024)
    .describe(
      'Requests that may wait for a connection when all are busy. Over it, or longer than connectTimeout: 503.',
    ),
  maxTunnels: z
    .int()
    .min(0)
    .max(1_000_000)
    .prefault(4096)
    .describe('Upgraded connections and event streams, which do not count as connections. Over it: 503.'),
  rewriteLocation: z
    .boolean()
    .prefault(true)
    .describe("Turn redirects to the upstream's own address, and cookie paths, into what the client knows."),
  tls: upstreamTls
    .prefault({})
    .describe(
      'How an https:// upstream is verified, and how the proxy identifies itself to it. Files that are renewed are taken within a second.',
    ),
  http2: z
    .boolean()
    .prefault(false)
    .describe(
      'Speak HTTP/2 to it, as gRPC needs: over TLS by ALPN, else with prior knowledge. Requests share connections, and each connection carries as many as the upstream takes, 250 at most.',
    ),
});

const match = z.strictObject({
  path: form(/^\/[^\s?#]*$/, 'a path that starts with /')
    .prefault('/')
    .describe('A prefix on segment borders: `/fact/` matches itself and all below, `/fact` also itself.'),
  host: form(/^[^\s/:]+$|^\[[0-9a-fA-F:.]+\]$/, 'a host name without port')
    .transform((host) => host.toLowerCase())
    .optional()
    .describe('The host name the request must bear, without port.'),
  methods: z
    .array(method)
    .min(1, 'at least one method')
    .optional()
    .describe('The methods to match; any, when absent.'),
});

/** Which requests, and what becomes of them. */
export const route = z
  .strictObject({
    name: name.describe('For logs and metrics. Unique.'),
    match: match.prefault({}).describe('Which requests the route serves. Everything, when absent.'),
    flag: text('the key of a flag').optional().describe('Key of the flag that chooses the version.'),
    versions: z
      .record(version, name)
      .optional()
      .describe('Flag value to upstream. The flag value is what X-Api-Version says.'),
    default: version.optional().describe('The version served when the flag cannot say.'),
    upstream: name.optional().describe('For a plain route, in place of flag, versions and default.'),
    guard: guard
      .optional()
      .describe(
        'How v1 is watched against v0. Unless off, a stage of a rollout also waits for 100 requests on v1.',
      ),
  })
  .transform(({ name, match, flag, versions, default: fallback, upstream, guard: given }, ctx) => {
    const rest = { name, match };
    if (upstream !== undefined && flag === undefined && versions === undefined && fallback === undefined) {
      if (given !== undefined)
        mistake(ctx, ['guard'], 'a route without a flag has one version; there is nothing to guard');
      return { ...rest, kind: 'plain' as const, upstream };
    }
    if (upstream === undefined && flag !== undefined && versions !== undefined && fallback !== undefined) {
      if (!Object.hasOwn(versions, fallback))
        mistake(ctx, ['default'], '{} is not one of the versions', Object.keys(versions));
      return {
        ...rest,
        kind: 'flag' as const,
        flag,
        versions: new Map(Object.entries(versions)),
        default: fallback,
        guard: given ?? guard.parse({}),
      };
    }
    mistake(ctx, [], 'a route has either `upstream`, or `flag`, `versions` and `default` together');
    return z.NEVER;
  });
