import t from 'tap';
import { request, until } from '../support/client.ts';
import { connectRaw, limited } from '../support/limited.ts';
import { startProxy } from '../support/proxy.ts';
import { startRawUpstream, startUpstream } from '../support/upstream.ts';

const limits = 'bodyIdleTimeout: 200ms';
const upstream = await startUpstream(t, (req, res) => {
  if (req.url === '/early') res.write('begun');
  else if (req.url === '/late') setTimeout(() => res.end('late'), 500);
  else req.on('end', () => res.end('taken'));
});
const proxy = await startProxy(t, limited(upstream.url, { limits, upstream: 'responseTimeout: 2s' }));
const post = (path: string, id: string) =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nX-Request-Id: ${id}\r\nContent-Length: 10\r\n\r\n`;

await t.test('a body that falls silent: 408, and its upstream request is cut', async (t) => {
  const bodies: string[] = [];
  const upstream = await startRawUpstream(t, (socket, received) =>
    socket.on('close', () => bodies.push(received())).on('end', () => socket.end()),
  );
  const proxy = await startProxy(t, limited(upstream.url, { limits, upstream: 'responseTimeout: 2s' }));
  for (const [i, part] of ['', 'part'].entries()) {
    const started = performance.now();
    const client = await connectRaw(t, proxy.port, post('/', `silent-${i}`) + part);
    t.match(await client.closed, /^HTTP\/1\.1 408 [^]*application\/problem\+json[^]*"status":408/);
    const took = performance.now() - started;
    t.ok(took >= 190 && took < 1500, `after ${took.toFixed(0)} ms`);
    await until(() => upstream.sockets.size === 0, 'the upstream is let go');
    t.match(await proxy.accessLine(`silent-${i}`), { status: 408, error: { source: 'downstream' } });
  }
});

await t.test('one that keeps moving may take its time', async (t) => {
  const client = await connectRaw(t, proxy.port, post('/', 'moving'));
  let sent = 0;
  const drip = setInterval(() => {
    client.socket.write('b');
    sent += 1;
    if (sent === 10) clearInterval(drip);
  }, 60);
  await until(() => client.received().includes('taken'), 'the answer');
  t.equal(sent, 10);
  t.equal(upstream.seen.at(-1)?.body, 'b'.repeat(10));
});

await t.test('once the answer has begun it is cut', async (t) => {
  const client = await connectRaw(t, proxy.port, `${post('/early', 'early')}part`);
  t.match(await client.closed, /\r\n5\r\nbegun\r\n$/, 'and nothing is added to it');
});

await t.test('a body that is complete is not silent, nor is one that was never there', async (t) => {
  t.match(await request(proxy.port, '/late', { method: 'POST', body: 'whole' }), { body: 'late' });
  t.match(await request(proxy.port, '/late'), { body: 'late' });
});

// The silence is the upstream's: the client would send if it were read.
await t.test('a body that nobody takes is no fault of the client', async (t) => {
  const deaf = await startRawUpstream(t, (socket) => socket.pause());
  const proxy = await startProxy(t, limited(deaf.url, { limits, upstream: 'responseTimeout: 500ms' }));
  const client = await connectRaw(t, proxy.port);
  const megabytes = 32;
  client.socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${megabytes * 1024 ** 2}\r\n\r\n`);
  client.socket.write(Buffer.alloc(megabytes * 1024 ** 2));
  await until(() => client.received() !== '', 'the answer');
  t.match(client.received(), /^HTTP\/1\.1 504 /);
});

await t.test('nor is the time in which it waits for 100 (Continue)', async (t) => {
  const cautious = await startUpstream(t, () => {});
  cautious.server.on('checkContinue', (req, res) => {
    setTimeout(() => res.writeContinue(), 300);
    req.resume().on('end', () => res.end('taken'));
  });
  const proxy = await startProxy(t, limited(cautious.url, { limits, upstream: 'responseTimeout: 2s' }));
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n';
  const client = await connectRaw(t, proxy.port, head);
  await until(() => client.received() !== '', 'leave to go on, or a refusal');
  t.match(client.received(), /^HTTP\/1\.1 100 /);
  // Less than the timeout, counted from there.
  await new Promise((resolve) => setTimeout(resolve, 140));
  client.socket.write('body');
  await until(() => /taken|408/.test(client.received()), 'the answer');
  t.match(client.received(), /\r\n\r\nHTTP\/1\.1 200 [^]*taken/);
});
