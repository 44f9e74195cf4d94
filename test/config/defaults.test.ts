import t from 'tap';
import { load, minimal } from '../support/config.ts';

await t.test('a minimal file gets every default', async (t) => {
  const { config } = await load(minimal);
  t.match(config, {
    listen: { host: '0.0.0.0', port: 8080, tls: undefined, http2: false, proxyProtocol: false },
    admin: { address: { host: '127.0.0.1', port: 9901 }, hosts: [] },
    context: [{ kind: 'user', key: [], anonymous: { cookie: 'trenchcoat_id', maxAge: 365 * 86_400_000 } }],
    flags: { source: 'local' },
    upstreams: {
      v0: {
        preserveHost: false,
        connectTimeout: 2000,
        responseTimeout: 30_000,
        idleTimeout: 60_000,
        maxConnections: 512,
        queue: 1024,
        maxTunnels: 4096,
        rewriteLocation: true,
        tls: { verify: true },
        http2: false,
      },
    },
    routes: [{ name: 'r', kind: 'plain', match: { path: '/' }, upstream: 'v0' }],
    trustedProxies: [],
    log: { level: 'info', format: 'auto', access: true },
    limits: {
      headerBytes: 16_384,
      headerCount: 100,
      uriBytes: 8192,
      headTimeout: 15_000,
      bodyIdleTimeout: 60_000,
      bodyBytes: Number.POSITIVE_INFINITY,
      keepAliveTimeout: 75_000,
      connections: 10_000,
    },
    shutdown: { delay: 0, drain: 30_000 },
  });
  t.equal(config?.override, undefined);
});

await t.test('addresses and durations', async (t) => {
  const { config } = await load(
    `${minimal}listen: "[::1]:0"\nadmin: off\nshutdown: { delay: 1.5s, drain: 2m }\ncontext: { user: { anonymous: { maxAge: 30d } } }`,
  );
  t.match(config, {
    listen: { host: '::1', port: 0 },
    admin: undefined,
    shutdown: { delay: 1500, drain: 120_000 },
    context: [{ anonymous: { maxAge: 2_592_000_000 } }],
  });
});
