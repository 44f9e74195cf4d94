import { METHODS } from 'node:http';
import t from 'tap';
import { createTally } from '../../src/telemetry/tally.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { request, sendRaw, until } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

const most = 200_000;

/**
 * The attack: a client invents a path, a user, a method or a request id for each request. Were one of them a label, each would be a
 * time series of its own, in the proxy's memory and in that of whoever scrapes it.
 */
await t.test('a million paths, users and methods leave the metrics as long as they were', async (t) => {
  const tally = createTally();
  const metrics = createMetrics({
    tally,
    clientConnections: () => 1,
    certificates: () => [],
    upstreams: () => [],
    flagSource: () => ({ ready: true, staleMs: 0 }),
    rollouts: () => [],
    guards: () => [],
    droppedLines: () => 0,
    reloads: () => ({ applied: 0, refused: 0, appliedAt: 0, trouble: undefined }),
    version: '0',
  });
  const statuses = [200, 204, 302, 404, 499, 500, 503];
  let afterTen = 0;
  for (let i = 0; i < 1_000_000; i += 1) {
    const version = String(i % 2);
    const status = statuses[i % statuses.length] ?? 200;
    tally.began('facts', 'facts', {
      version,
      reason: 'FALLTHROUGH',
      evaluation: { reason: { kind: 'FALLTHROUGH' } },
    });
    tally.ended({
      id: `id-${i}`,
      route: 'facts',
      version,
      reason: 'FALLTHROUGH',
      method: `METHOD${i}`,
      path: `/fact/${i}`,
      status,
      durationMs: i % 1000,
      headMs: i % 1000,
      bytesIn: i,
      bytesOut: i,
      upstream: `v${version}`,
      error: undefined,
    });
    if (i === 100) afterTen = (await metrics.text()).split('\n').length;
  }
  const text = await metrics.text();
  t.ok(text.length < most, `${text.length} bytes`);
  // Node's own metrics come and go.
  t.ok(
    Math.abs(text.split('\n').length - afterTen) < 40,
    `${afterTen} lines, then ${text.split('\n').length}`,
  );
});

await t.test('so do thousands of them over real sockets, malformed ones among them', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end('x'));
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  const methods = METHODS.filter((method) => method !== 'CONNECT');
  const rounds = Array.from({ length: 40 }, (_, i) => i);
  for (const round of rounds)
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => {
        const n = round * 50 + i;
        const headers = { cookie: `uid=user-${n}`, host: `host-${n}.example`, 'x-request-id': `id-${n}` };
        const path = n % 3 === 0 ? `/elsewhere/${n}` : `/fact/${n}?q=${n}`;
        return request(proxy.port, path, { method: methods[n % methods.length] ?? 'GET', headers });
      }),
    );
  for (const n of rounds) await sendRaw(proxy.port, `NONE${n} /${n} HTTP/1.1\r\nHost: x\r\n\r\n`, false);
  const text = await until(async () => {
    const { body } = await request(proxy.adminPort, '/metrics');
    return body.includes(`trenchcoat_refused_total{code="bad_request"} ${rounds.length}`) ? body : undefined;
  }, 'what was malformed is counted');
  t.ok(text.length < most, `${text.length} bytes`);
  t.notMatch(text, /user-|host-|id-|elsewhere\/|NONE|PROPFIND/);
});
