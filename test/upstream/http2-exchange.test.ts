import { Readable } from 'node:stream';
import t from 'tap';
import { until } from '../support/client.ts';
import { openPool, send } from '../support/exchange.ts';
import { startHttp2Upstream } from '../support/http2-upstream.ts';

const http2 = { http2: true };

await t.test('a request in the words of HTTP/1.1 arrives in those of HTTP/2', async (t) => {
  const { url, seen } = await startHttp2Upstream(t, (stream) => stream.respond({}, { endStream: true }));
  const headers =
    'Host api.test:8080 X-One a x-two 1 X-Two 2 X-Bytes caf\xe9 Cookie a=1;b=2 Cookie c=3 TE trailers Connection TE Authorization Bearer __proto__ y'.split(
      ' ',
    );
  const { done } = send(openPool(t, url, http2), { method: 'OPTIONS', path: '*', headers });
  t.match(await done, { status: 200, reason: 'OK', error: undefined, events: ['head', 'end'] });
  t.strictSame(
    pairs(seen[0]?.raw),
    pairs(
      ':method OPTIONS :scheme http :path * :authority api.test:8080 x-one a x-two 1 x-two 2 x-bytes caf\xe9 cookie a=1;b=2 cookie c=3 te trailers authorization Bearer __proto__ y'.split(
        ' ',
      ),
    ),
  );
});

// Node refuses to send them several times, and a request must not fail for that.
await t.test('what Node has but one value for comes in one line', async (t) => {
  const { url, seen } = await startHttp2Upstream(t, (stream) => stream.respond({}, { endStream: true }));
  const agents = ['User-Agent', 'a', 'User-Agent', 'b', 'Cookie', 'a=1', 'Cookie', 'b=2'];
  const { done } = send(openPool(t, url, http2), { headers: ['Host', 'a', ...agents] });
  t.match(await done, { status: 200 });
  t.match(seen[0]?.headers, { 'user-agent': 'a, b', cookie: 'a=1; b=2' });
});

await t.test('what belongs to a connection of HTTP/1.1 does not arrive', async (t) => {
  const { url, seen } = await startHttp2Upstream(t, (stream) => stream.respond({}, { endStream: true }));
  const of1 = ['Connection', 'x', 'Keep-Alive', 'timeout=5', 'Proxy-Connection', 'close', 'Upgrade', 'h2c'];
  const { done } = send(openPool(t, url, http2), {
    headers: ['Host', 'a', ...of1, 'HTTP2-Settings', 'AAMAAABk', 'Transfer-Encoding', 'chunked'],
  });
  t.match(await done, { status: 200 });
  t.strictSame(Object.keys(seen[0]?.headers ?? {}), [':method', ':scheme', ':path', ':authority']);
});

await t.test('a body arrives as it was framed, with its trailers', async (t) => {
  const { url, seen } = await startHttp2Upstream(t, (stream) => {
    stream.on('end', () => stream.respond({}, { endStream: true }));
  });
  const pool = openPool(t, url, http2);
  const sized = send(
    pool,
    { method: 'PUT', headers: ['Host', 'a', 'Content-Length', '5'] },
    { framing: 'length', stream: Readable.from([Buffer.from('he'), Buffer.from('llo')]) },
  );
  t.match(await sized.done, { status: 200 });
  const chunked = send(
    pool,
    { method: 'DELETE' },
    {
      framing: 'chunked',
      stream: Readable.from([Buffer.from('a'), Buffer.alloc(0), Buffer.from('b')]),
      trailers: () => ['X-Sum', '1', 'X-Sum', '2'],
    },
  );
  t.match(await chunked.done, { status: 200 });
  const bare = send(
    pool,
    { method: 'POST' },
    { framing: 'chunked', stream: Readable.from([]), trailers: () => [] },
  );
  t.match(await bare.done, { status: 200 });
  t.match(seen, [
    { body: 'hello', headers: { 'content-length': '5' }, trailers: [] },
    { body: 'ab', headers: { ':method': 'DELETE', 'content-length': undefined } },
    { body: '', trailers: [] },
  ]);
  t.match(seen[1]?.trailers, ['x-sum', '1, 2']);
});

await t.test('an answer comes with its informational heads, its repeated fields, its trailers', async (t) => {
  const { url } = await startHttp2Upstream(t, (stream) => {
    stream.additionalHeaders({ ':status': 103, link: '</a>; rel=preload' });
    stream.respond(
      { ':status': 201, 'set-cookie': ['a=1', 'b=2'], 'x-bytes': '\xe9', 'X-Case': 'y' },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': 'caf\xe9' }));
    stream.end('body');
  });
  const report = await send(openPool(t, url, http2)).done;
  t.match(report, {
    events: ['informational', 'head', 'data', 'end'],
    informational: [103],
    status: 201,
    reason: 'Created',
    body: 'body',
    trailers: ['x-sum', 'caf\xe9'],
  });
  const cookies = pairs(report.headers).filter(([name]) => name === 'set-cookie');
  t.strictSame(cookies, [
    ['set-cookie', 'a=1'],
    ['set-cookie', 'b=2'],
  ]);
  t.match(Object.fromEntries(pairs(report.headers)), { 'x-bytes': '\xe9', 'x-case': 'y' });
});

await t.test('100 (Continue) is passed on before the body is', async (t) => {
  const { url, seen } = await startHttp2Upstream(t, (stream) => {
    stream.additionalHeaders({ ':status': 100 });
    stream.on('end', () => stream.respond({}, { endStream: true }));
  });
  const body = new Readable({ read() {} });
  const { done } = send(
    openPool(t, url, http2),
    { method: 'POST', headers: ['Host', 'a', 'Expect', '100-continue'] },
    { framing: 'chunked', stream: body, held: true },
    {
      onInformational() {
        body.push('now');
        body.push(null);
      },
    },
  );
  t.match(await done, { informational: [100], status: 200 });
  t.equal(seen[0]?.body, 'now');
});

await t.test('answers that have no body', async (t) => {
  const { url } = await startHttp2Upstream(t, (stream, { headers }) =>
    stream.respond(
      {
        ':status': Number(headers[':path']?.slice(1)),
        ...(headers['x-length'] === '7' && { 'content-length': 7 }),
      },
      { endStream: true },
    ),
  );
  const pool = openPool(t, url, http2);
  const length = ['X-Length', '7'];
  const ask = (method: string, path: string, more: string[] = []) =>
    send(pool, { method, path, headers: ['Host', 'a', ...more] }).done;
  t.match(await ask('HEAD', '/200', length), {
    status: 200,
    body: '',
    headers: ['content-length', '7'],
    error: undefined,
  });
  t.match(await ask('GET', '/304', length), { status: 304, error: undefined });
  t.match(await ask('GET', '/204'), { status: 204, error: undefined });
});

await t.test('the head is reported at once, and data as it comes', async (t) => {
  const { url, seen } = await startHttp2Upstream(t, (stream) => stream.respond({}));
  const { report, done } = send(openPool(t, url, http2));
  await until(() => report.status === 200, 'the head');
  seen[0]?.stream.write('a');
  await until(() => report.body === 'a', 'the first of the body');
  seen[0]?.stream.end('b');
  t.match(await done, { body: 'ab' });
});

await t.test('a gap is told once after the head, when what came with it is told', async (t) => {
  const { url, seen } = await startHttp2Upstream(t, (stream) => {
    stream.respond({});
    stream.write('with it');
  });
  const events: string[] = [];
  const { done } = send(openPool(t, url, http2), {}, undefined, {
    onHead: () => events.push('head'),
    onData: () => events.push('data') > 0,
    onGap: () => events.push('gap'),
  });
  await until(() => events.includes('gap'), 'a gap');
  seen[0]?.stream.end();
  await done;
  t.strictSame(events, ['head', 'data', 'gap']);
});

function pairs(list: readonly string[] = []): string[][] {
  return Array.from({ length: list.length / 2 }, (_, i) => list.slice(2 * i, 2 * i + 2));
}
