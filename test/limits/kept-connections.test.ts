import t from 'tap';
import { connectRaw, limited } from '../support/limited.ts';
import { startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

const upstream = await startUpstream(t, (req, res) => {
  if (req.url === '/slow') setTimeout(() => res.end('served'), 1500);
  else res.end('served');
});
const proxy = await startProxy(t, limited(upstream.url, { limits: 'keepAliveTimeout: 200ms' }));
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

async function timed(closed: Promise<string>): Promise<{ text: string; took: number }> {
  const started = performance.now();
  const text = await closed;
  return { text, took: performance.now() - started };
}

await t.test('a connection that asks no more is closed, later than its client was told', async (t) => {
  const client = await connectRaw(t, proxy.port, get('/'));
  const { text, took } = await timed(client.closed);
  t.match(text, /^HTTP\/1\.1 200 [^]*\r\nKeep-Alive: timeout=0\r\n[^]*served/);
  t.ok(took > 600 && took < 20_000, `after ${took.toFixed(0)} ms`);
});

await t.test('blank lines between requests, which are no request, do not keep it', async (t) => {
  const client = await connectRaw(t, proxy.port, `${get('/')}\r\n\r\n`);
  const { text } = await timed(client.closed);
  t.match(text, /^HTTP\/1\.1 200 [^]*served/);
});

await t.test('one that waits for its answer is not idle', async (t) => {
  const client = await connectRaw(t, proxy.port, get('/slow'));
  const { text, took } = await timed(client.closed);
  t.match(text, /^HTTP\/1\.1 200 [^]*served/);
  t.ok(took > 2000, `closed after ${took.toFixed(0)} ms`);
});

await t.test('one that goes on asking is kept', async (t) => {
  const proxy = await startProxy(t, limited(upstream.url, { limits: 'keepAliveTimeout: 1s' }));
  const client = await connectRaw(t, proxy.port);
  for (let i = 0; i < 10; i += 1) {
    client.socket.write(get('/'));
    await new Promise((resolve) => void setTimeout(resolve, 250));
  }
  client.socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  t.equal((await client.closed).match(/HTTP\/1\.1 200 /g)?.length, 11);
});
