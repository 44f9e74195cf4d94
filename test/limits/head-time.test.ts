import t from 'tap';
import { request } from '../support/client.ts';
import { connectRaw, limited } from '../support/limited.ts';
import { startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

const upstream = await startUpstream(t, (_req, res) => res.end('served'));
const proxy = await startProxy(t, limited(upstream.url, { limits: 'headTimeout: 300ms' }));

await t.test('a head that does not end in time: 408, and the connection closes', async (t) => {
  const started = performance.now();
  const client = await connectRaw(t, proxy.port, 'GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ');
  // Each byte comes in time; the head as a whole does not.
  const drip = setInterval(() => client.socket.write('s'), 50);
  t.teardown(() => clearInterval(drip));
  const answer = await client.closed;
  const took = performance.now() - started;
  t.match(answer, /^HTTP\/1\.1 408 [^]*application\/problem\+json[^]*head-timeout/);
  t.ok(took >= 290 && took < 1500, `after ${took.toFixed(0)} ms`);
  t.equal(upstream.seen.length, 0);
});

await t.test('one that ends just in time is served', async (t) => {
  const client = await connectRaw(t, proxy.port, 'GET / HTTP/1.1\r\nHost: a\r\n');
  setTimeout(() => client.socket.write('Connection: close\r\n\r\n'), 150);
  t.match(await client.closed, /^HTTP\/1\.1 200 [^]*served$/);
});

await t.test('each request of a connection has the whole time again', async (t) => {
  const client = await connectRaw(t, proxy.port);
  for (const last of [false, false, true]) {
    client.socket.write('GET / HTTP/1.1\r\nHost: a\r\n');
    await new Promise((resolve) => setTimeout(resolve, 120));
    client.socket.write(last ? 'Connection: close\r\n\r\n' : '\r\n');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.equal((await client.closed).match(/HTTP\/1\.1 200 /g)?.length, 3);
});

await t.test('the time of a head is not that of an answer', async (t) => {
  const slow = await startUpstream(t, (_req, res) => void setTimeout(() => res.end('late'), 400));
  const proxy = await startProxy(t, limited(slow.url, { limits: 'headTimeout: 200ms' }));
  t.match(await request(proxy.port, '/'), { status: 200, body: 'late' });
});
