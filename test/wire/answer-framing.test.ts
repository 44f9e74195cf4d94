import t from 'tap';
import { setImmediate as turn } from 'node:timers/promises';
import { sendRaw, until } from '../support/client.ts';
import {
  asks,
  dial,
  headOf,
  startBefore,
  startReplier,
  startSteered,
  unchunk,
  valuesOf,
} from '../support/peers.ts';

const upstream = await startReplier(t);
const proxy = await startBefore(t, upstream.url);

/** One GET whose connection ends with it, of either version of HTTP. */
async function get(answer: string, version = '1.1', ...fields: string[]) {
  upstream.reply = () => answer;
  const close = version === '1.1' ? ['Connection: close'] : [];
  return headOf(await sendRaw(proxy.port, asks(`GET /fact/ HTTP/${version}`, ...close, ...fields), false));
}

/** A request and, on the same connection, a GET whose answer is `next`: the bytes of both answers. */
function followed(method: string, answer: string): Promise<string> {
  upstream.reply = (head) =>
    head.includes('/fact/next') ? 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext' : answer;
  const both = asks(`${method} /fact/ HTTP/1.1`) + asks('GET /fact/next HTTP/1.1', 'Connection: close');
  return sendRaw(proxy.port, both, false);
}

await t.test('44 The answer to HEAD keeps its Content-Length and has no body', async (t) => {
  const received = await followed('HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nETag: "r"\r\n\r\n');
  const { line, fields, rest } = headOf(received);
  t.equal(line, 'HTTP/1.1 200 OK');
  t.same(valuesOf(fields, 'Content-Length'), ['1234']);
  t.match(rest, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nnext$/, 'the next answer follows at once');
});

await t.test('44 Nor has it one when the length is unknown', async (t) => {
  for (const framing of ['Transfer-Encoding: chunked\r\n', '']) {
    const { fields, rest } = headOf(await followed('HEAD', `HTTP/1.1 200 OK\r\n${framing}\r\n`));
    t.same(valuesOf(fields, 'Content-Length'), [], 'none is made up');
    t.match(rest, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nnext$/, framing);
  }
});

await t.test('45 204 and 304 have no body, whatever their head says', async (t) => {
  const heads = [
    'HTTP/1.1 204 No Content\r\n\r\n',
    'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 204 No Content\r\nContent-Length: 1234\r\n\r\n',
    'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n',
    'HTTP/1.1 304 Not Modified\r\nETag: "r"\r\n\r\n',
    'HTTP/1.1 304 Not Modified\r\nETag: "r"\r\nContent-Length: 1234\r\n\r\n',
    'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n',
  ];
  for (const head of heads) {
    const { line, fields, rest } = headOf(await followed('GET', head));
    t.equal(line, head.slice(0, head.indexOf('\r\n')));
    t.match(rest, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nnext$/, 'the next answer follows at once');
    t.same(valuesOf(fields, 'Transfer-Encoding'), [], 'no body is announced');
    if (line.includes(' 204 ')) t.notMatch(valuesOf(fields, 'Content-Length').join(), /[1-9]/);
    else if (head.includes('ETag')) t.same(valuesOf(fields, 'ETag'), ['"r"']);
  }
});

const chunks = '5\r\nhello\r\n00C;name=value;other="x y"\r\n, dear world\r\n0\r\n\r\n';
const chunked = `HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n${chunks}`;

await t.test('46 A chunked body stays chunked', async (t) => {
  const { fields, rest } = await get(chunked);
  t.same(valuesOf(fields, 'Transfer-Encoding'), ['chunked']);
  t.same(valuesOf(fields, 'Content-Length'), []);
  t.same(unchunk(rest), { data: 'hello, dear world', trailers: [], rest: '' });
});

await t.test('46 Wherever its packets are cut', async (t) => {
  const { open } = await startSteered(t);
  const { client, server } = await open(asks('GET /fact/ HTTP/1.1'));
  for (const byte of chunked) {
    server.send(byte);
    await turn();
  }
  await client.gets(/\r\n0\r\n\r\n$/);
  t.equal(unchunk(headOf(client.received()).rest)?.data, 'hello, dear world');
});

await t.test(
  '46 An HTTP/1.0 client gets it unchunked, and the end of the connection as its end',
  async (t) => {
    for (const wish of [[], ['Connection: keep-alive']]) {
      const { line, fields, rest } = await get(chunked, '1.0', ...wish);
      t.match(line, /^HTTP\/1\.[01] 200 OK$/);
      t.same(valuesOf(fields, 'Transfer-Encoding'), []);
      t.same(valuesOf(fields, 'Connection'), ['close']);
      t.equal(rest, 'hello, dear world');
    }
  },
);

/** Answers with bytes and then the end of the connection. */
const closing = (bytes: string): typeof upstream.reply => {
  return (_head, socket) => {
    socket.end(bytes, 'latin1');
    return '';
  };
};

await t.test('47 A body that ends with its connection is forwarded whole', async (t) => {
  const body = 'until the very end\r\n0\r\n\r\n';
  for (const head of [
    'HTTP/1.1 200 OK\r\n\r\n',
    'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n',
    'HTTP/1.0 200 OK\r\n\r\n',
    'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n',
  ]) {
    upstream.reply = closing(head + body);
    const modern = headOf(await sendRaw(proxy.port, asks('GET /fact/ HTTP/1.1', 'Connection: close'), false));
    t.equal(modern.line, 'HTTP/1.1 200 OK');
    t.same(valuesOf(modern.fields, 'Transfer-Encoding'), ['chunked']);
    t.equal(unchunk(modern.rest)?.data, body, head);
    const old = headOf(await sendRaw(proxy.port, asks('GET /fact/ HTTP/1.0'), false));
    t.same(valuesOf(old.fields, 'Transfer-Encoding'), []);
    t.equal(old.rest, body, head);
  }
});

await t.test('47 A client of HTTP/1.1 keeps its connection all the same', async (t) => {
  const client = await dial(t, proxy.port);
  for (const count of [1, 2]) {
    upstream.reply = closing('HTTP/1.0 200 OK\r\n\r\nuntil the end');
    client.send(asks('GET /fact/ HTTP/1.1'));
    await client.gets(new RegExp(`^([^]*?until the end\\r\\n0\\r\\n\\r\\n){${count}}$`));
  }
  t.notMatch(client.received(), /connection: close/i);
});

// The upstream has half-closed or said that it will: what is sent after that is lost, or answered by nobody.
await t.test('47 A connection that its upstream ends, or says it will, is not used again', async (t) => {
  for (const answer of [
    'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok',
    'HTTP/1.1 200 OK\r\nconnection: X-A, Close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok',
  ]) {
    const before = upstream.connections();
    t.match((await get(answer)).rest, /ok/);
    t.match((await get(answer)).rest, /ok/);
    t.equal(upstream.connections() - before, 2, answer);
    await until(() => upstream.sockets.size === 0, 'the proxy lets go of them');
  }
});
