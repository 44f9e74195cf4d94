import t, { type Test } from 'tap';
import { request, until } from '../support/client.ts';
import { manualClock, minute } from '../support/clock.ts';
import { grpcClient, startGrpc, status, type GrpcUpstream } from '../support/grpc.ts';
import { shownBy } from '../support/guarded.ts';
import { rolledOut, startProxy } from '../support/proxy.ts';
import { crowd } from '../support/rollout.ts';
import type { Clock } from '../../src/clock.ts';

const users = crowd(300);

async function startRolledOut(t: Test, v0: GrpcUpstream, v1: GrpcUpstream, guard: string, clock?: Clock) {
  const yaml = rolledOut(v0.url, v1.url, { guard })
    .replaceAll(/(v[01]): \{ url: "([^"]+)" \}/g, '$1: { url: "$2", http2: true }')
    .replace('cookie: uid', 'header: X-User-Id')
    .replace('path: /fact/', 'path: /fact.Facts/');
  const proxy = await startProxy(t, `listen: { address: 127.0.0.1:0, http2: true }\n${yaml}`, {}, clock);
  const { unary } = grpcClient(t, proxy.port);
  const ask = (user: string) => unary('ask', { metadata: { 'x-user-id': user } });
  return { proxy, ask, ...shownBy(proxy) };
}

await t.test('each caller moves once, one way, as the share of v1 grows', async (t) => {
  const clock = manualClock();
  const upstream = await startGrpc(t);
  const { ask } = await startRolledOut(t, upstream, upstream, 'onRegression: off', clock);
  let before = new Set<string>();
  for (const percent of [25, 50, 100]) {
    const called = await Promise.all(users.map(ask));
    t.ok(called.every(({ code }) => code === 0));
    const now = new Set(users.filter((_, i) => called[i]?.headers['x-api-version'] === '1'));
    const share = (100 * now.size) / users.length;
    // Three standard deviations of a fair draw.
    t.ok(Math.abs(share - percent) < 8.7, `${share.toFixed(1)} % at ${percent} %`);
    t.ok(
      [...before].every((user) => now.has(user)),
      'nobody went back',
    );
    before = now;
    await clock.pass(minute);
  }
  t.equal(before.size, users.length);
});

// Each of these answers is a 200 to whoever looks at HTTP alone.
await t.test('a v1 whose calls end with INTERNAL is rolled back', async (t) => {
  const v0 = await startGrpc(t);
  const v1 = await startGrpc(t, {
    unary: (_call, callback) => callback({ code: status.INTERNAL, details: 'v1 is broken' }),
  });
  const { ask, found, metrics, rollout } = await startRolledOut(t, v0, v1, 'onRegression: rollback');
  let asked = 0;
  await until(async () => {
    await ask(users[(asked += 1) % users.length] ?? '');
    return asked > 300;
  }, 'calls');
  const trip = await found(20_000);
  t.match(trip, { signal: 'errors', treatment: { version: '1' }, control: { version: '0', events: 0 } });
  t.match(await rollout(), { status: 'reverted', percent: 0 });
  t.match(await ask('user'), { code: 0, headers: { 'x-api-version': '0' } });
  const text = await metrics();
  t.match(
    text,
    /^trenchcoat_requests_total\{route="facts",version="1",status="5xx",reason="FALLTHROUGH"\} \d+$/m,
  );
  t.notMatch(text, /version="1",status="2xx"/);
});

await t.test("what callers do wrong is not v1's fault", async (t) => {
  const v0 = await startGrpc(t);
  const v1 = await startGrpc(t, {
    unary: (_call, callback) => callback({ code: status.INVALID_ARGUMENT, details: 'what is this?' }),
  });
  const { ask, metrics, proxy, rollout } = await startRolledOut(t, v0, v1, 'onRegression: rollback');
  await Promise.all(users.map(ask));
  const text = await until(async () => {
    const shown = await metrics();
    return /version="1",status="4xx",reason="FALLTHROUGH"\} \d+/.test(shown) ? shown : undefined;
  }, 'all are counted');
  t.notMatch(text, /status="5xx"/);
  t.match(await rollout(), { seen: { treatment: { errors: 0 } } });
  t.equal((await request(proxy.adminPort, '/readyz')).status, 200);
});
