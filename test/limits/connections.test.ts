import t from 'tap';
import http from 'node:http';
import { once } from 'node:events';
import { readAnswer, request, until } from '../support/client.ts';
import { connectRaw, limited } from '../support/limited.ts';
import { startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

await t.test('connections up to the limit are served, one more is told to come again', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end('served'));
  const proxy = await startProxy(t, limited(upstream.url, { limits: 'connections: 3' }));
  const idle = [await connectRaw(t, proxy.port), await connectRaw(t, proxy.port, get)];
  await until(() => idle[1]?.received().includes('served'), 'the second is served');
  t.match(await request(proxy.port, '/'), { status: 200 }, 'at the limit');

  const third = await connectRaw(t, proxy.port);
  t.match(
    await request(proxy.port, '/'),
    {
      status: 503,
      headers: { 'retry-after': /^\d+$/, connection: 'close', 'content-type': 'application/problem+json' },
      body: /"status":503/,
    },
    'over it',
  );
  idle[1]?.socket.write(get);
  await until(() => idle[1]?.received().match(/served/g)?.length === 2, 'those who are in are served');

  third.socket.destroy();
  await until(async () => (await request(proxy.port, '/')).status === 200, 'a place is free again');
});

// Node attaches its parser to a connection before anybody can refuse it: a request that came along is read, and must
// not be forwarded for a client that is told 503.
await t.test('nothing of a refused connection goes upstream', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end('served'));
  const proxy = await startProxy(t, limited(upstream.url, { limits: 'connections: 1' }));
  const only = await connectRaw(t, proxy.port, get);
  await until(() => only.received().includes('served'), 'the only one is served');
  for (let i = 0; i < 20; i += 1) {
    const refused = await connectRaw(t, proxy.port, get);
    t.match(await refused.closed, /^HTTP\/1\.1 503 [^]*\r\n\r\n\{[^\n]*\}\n$/, 'one answer, whole');
  }
  t.equal(upstream.seen.length, 1);
});

await t.test('a refused client that does not leave is left', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end('served'));
  const proxy = await startProxy(t, limited(upstream.url, { limits: 'connections: 1' }));
  await connectRaw(t, proxy.port);
  const deaf = http.request({ port: proxy.port, agent: false }).on('error', () => {});
  deaf.write('');
  const [res] = (await once(deaf, 'response')) as [http.IncomingMessage];
  t.match(await readAnswer(res), { status: 503 });
  await until(() => deaf.socket?.destroyed, 'its connection is closed');
});
