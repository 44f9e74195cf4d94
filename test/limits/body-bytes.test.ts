import t from 'tap';
import { request, until } from '../support/client.ts';
import { connectRaw, limited } from '../support/limited.ts';
import { startProxy } from '../support/proxy.ts';
import { startRawUpstream, startUpstream } from '../support/upstream.ts';

const limits = 'bodyBytes: 1KiB';
const upstream = await startUpstream(t, (req, res) => req.on('end', () => res.end('taken')));
const proxy = await startProxy(t, limited(upstream.url, { limits, upstream: 'responseTimeout: 2s' }));
const post = (...headers: string[]) =>
  `POST / HTTP/1.1\r\n${['Host: a', ...headers].map((line) => `${line}\r\n`).join('')}\r\n`;
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

await t.test('a body up to bodyBytes passes, whatever its framing', async (t) => {
  for (const size of [1023, 1024]) {
    const body = 'b'.repeat(size);
    t.match(await request(proxy.port, '/', { method: 'POST', headers: { 'content-length': size }, body }), {
      status: 200,
      body: 'taken',
    });
    t.equal(upstream.seen.at(-1)?.body, body);
    const headers = { 'transfer-encoding': 'chunked' };
    t.match(await request(proxy.port, '/', { method: 'POST', headers, body }), { status: 200 });
    t.equal(upstream.seen.at(-1)?.body, body);
  }
});

await t.test('what frames the chunks does not count', async (t) => {
  const client = await connectRaw(t, proxy.port, post('Transfer-Encoding: chunked', 'Connection: close'));
  client.socket.write(`${chunk('x').repeat(1024)}0\r\n\r\n`);
  t.match(await client.closed, /^HTTP\/1\.1 200 /);
  t.equal(upstream.seen.at(-1)?.body.length, 1024);
});

// The head says it all: the client need not send, nor the upstream hear of it.
await t.test('a longer Content-Length is refused at once', async (t) => {
  const before = upstream.seen.length;
  for (const more of [[], ['Expect: 100-continue']]) {
    const client = await connectRaw(t, proxy.port, post('Content-Length: 1025', ...more));
    const answer = await client.closed;
    t.match(answer, /^HTTP\/1\.1 413 [^]*application\/problem\+json[^]*"status":413/);
    t.match(answer, /\r\nConnection: close\r\n/i, 'or the body would be read as the next request');
  }
  t.equal(upstream.seen.length, before);
});

await t.test('a chunked one is refused when it turns out longer, and never completes upstream', async (t) => {
  const bodies: string[] = [];
  const upstream = await startRawUpstream(t, (socket, received) =>
    socket.on('close', () => bodies.push(received())).on('end', () => socket.end()),
  );
  const proxy = await startProxy(t, limited(upstream.url, { limits, upstream: 'responseTimeout: 2s' }));
  // The last chunk comes with the one that is too much: it must not slip through.
  const ends = [chunk('y'), `${chunk('y')}0\r\n\r\n`, chunk('y'.repeat(100_000))];
  for (const [i, end] of ends.entries()) {
    const headers = ['Transfer-Encoding: chunked', `X-Request-Id: over-${i}`];
    const client = await connectRaw(t, proxy.port, post(...headers) + chunk('x'.repeat(1024)));
    await until(() => upstream.sockets.size > 0, 'the upload is under way');
    client.socket.write(end);
    t.match(await client.closed, /^HTTP\/1\.1 413 [^]*"status":413/);
    await until(() => bodies.length === i + 1, 'the upstream connection ends');
    t.notMatch(bodies[i], /\r\n0\r\n/, 'no last chunk');
    t.match(await proxy.accessLine(`over-${i}`), { status: 413, error: { source: 'downstream' } });
  }
});

await t.test('once the answer has begun it is cut, and nothing is added to it', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.write('begun'));
  const proxy = await startProxy(t, limited(upstream.url, { limits, upstream: 'responseTimeout: 2s' }));
  const client = await connectRaw(t, proxy.port, post('Transfer-Encoding: chunked') + chunk('x'));
  await until(() => client.received().includes('begun'), 'the answer');
  client.socket.write(chunk('x'.repeat(1024)));
  t.match(await client.closed, /\r\n5\r\nbegun\r\n$/);
});
