import t from 'tap';
import http from 'node:http';
import net from 'node:net';
import { once } from 'node:events';
import { request, until } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

await t.test('a stop waits for requests, and for nothing else', async (t) => {
  const upstream = await startUpstream(t, (req, res) => {
    if (req.url === '/fact/slow') setTimeout(() => res.end('late'), 300);
    else if (req.url === '/fact/endless') res.write('and');
    else res.end();
  });
  const yaml = flagged(upstream.url, upstream.url).replace('drain: 1s', 'drain: 20s');
  const proxy = await startProxy(t, yaml, { 'flags.yaml': evenFlags });
  // Browsers open connections before they need them.
  const silent = net.connect(proxy.port, '127.0.0.1').on('error', () => {});
  await once(silent, 'connect');
  const kept = net.connect(proxy.port, '127.0.0.1').on('error', () => {});
  kept.write('GET /fact/ HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(kept, 'data');
  const slow = request(proxy.port, '/fact/slow');
  await until(() => upstream.seen.some(({ url }) => url === '/fact/slow'), 'under way');

  const started = performance.now();
  const ends = Promise.all([once(silent, 'close'), once(kept, 'close')]);
  await proxy.stop();
  t.ok(performance.now() - started < 5000, 'long before the deadline');
  t.match(await slow, { status: 200, body: 'late', headers: { connection: 'close' } });
  await ends;
});

await t.test('what is left at the deadline is cut', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.write('and'));
  const yaml = flagged(upstream.url, upstream.url).replace('drain: 1s', 'drain: 200ms');
  const proxy = await startProxy(t, yaml, { 'flags.yaml': evenFlags });
  const endless = request(proxy.port, '/fact/endless');
  await until(() => upstream.seen.length > 0, 'under way');
  await proxy.stop();
  t.match(await endless, { status: 200, body: 'and', cut: true });
});

await t.test('while it still takes new work, a stop tells each client to ask elsewhere next', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end('served'));
  const yaml = flagged(upstream.url, upstream.url).replace('drain: 1s', 'delay: 500ms, drain: 20s');
  const proxy = await startProxy(t, yaml, { 'flags.yaml': evenFlags });
  const agent = new http.Agent({ keepAlive: true });
  const ask = () => request(proxy.port, '/fact/', { agent });
  t.match(await ask(), { status: 200, headers: { connection: 'keep-alive' } });
  const stopped = proxy.stop();
  t.match(
    await ask(),
    { status: 200, body: 'served', headers: { connection: 'close' } },
    'on the connection there was',
  );
  t.match(await ask(), { status: 200, body: 'served', headers: { connection: 'close' } }, 'and on a new one');
  await stopped;
  await t.rejects(ask(), { code: 'ECONNREFUSED' });
});
