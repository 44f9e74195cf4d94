import t from 'tap';
import { asks, headOf, startBefore, startReplier, startSteered, valuesOf } from '../support/peers.ts';
import { request, sendRaw, until } from '../support/client.ts';

const upstream = await startReplier(t);
const proxy = await startBefore(t, upstream.url);

const final = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const get = (version = '1.1') => asks(`GET /plain HTTP/${version}`, 'Connection: close');

/** The interim answers at the front of what a client got, head by head, and the final answer. */
function interim(received: string): { heads: string[]; last: string } {
  const heads: string[] = [];
  let last = received;
  while (/^HTTP\/1\.1 1\d\d/.test(last)) {
    const end = last.indexOf('\r\n\r\n') + 4;
    heads.push(last.slice(0, end));
    last = last.slice(end);
  }
  return { heads, last };
}

await t.test('42 102 and 103 are relayed as they come, before the final answer exists', async (t) => {
  const { open } = await startSteered(t);
  const { client, server } = await open(get());
  const heads = [
    'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nlink: </b.js>; rel=preload\r\nX-Kept: 1\r\n\r\n',
    'HTTP/1.1 102 Processing\r\n\r\n',
    'HTTP/1.1 103 Early Hints\r\nX-No-Link: 1\r\n\r\n',
    'HTTP/1.1 103 Early Hints\r\nLink: <not a link, and none of our business\r\n\r\n',
  ];
  for (const [i, head] of heads.entries()) {
    server.send(head);
    await client.gets(new RegExp(`^(HTTP/1\\.1 10[^]*?\\r\\n\\r\\n){${i + 1}}$`));
  }
  t.same(interim(client.received()).heads, heads, 'in order, byte for byte');
  server.send(final);
  await client.ends();
  t.match(interim(client.received()).last, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/);
});

await t.test('42 Those that come in one packet with the final answer are relayed in order too', async (t) => {
  upstream.reply = () =>
    `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${final}`;
  const { heads, last } = interim(await sendRaw(proxy.port, get(), false));
  t.same(heads, ['HTTP/1.1 102 Processing\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n']);
  t.match(last, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/);
});

// An interim answer has no body. A client that believed a length in one would take the final answer for it.
await t.test('42 Neither hop-by-hop headers nor framing come with them', async (t) => {
  const fields = [
    'Connection: X-Private',
    'X-Private: 1',
    'Keep-Alive: timeout=9',
    'Upgrade: h2c',
    'Link: </a>',
  ];
  upstream.reply = () => `HTTP/1.1 103 Early Hints\r\n${fields.join('\r\n')}\r\n\r\n${final}`;
  const { heads } = interim(await sendRaw(proxy.port, get(), false));
  t.same(heads, ['HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n']);
  for (const framing of ['Content-Length: 0', 'Content-Length: 80', 'Transfer-Encoding: chunked']) {
    upstream.reply = () => `HTTP/1.1 103 Early Hints\r\n${framing}\r\n\r\n${final}`;
    const received = await sendRaw(proxy.port, get(), false);
    t.notMatch(interim(received).heads.join(''), new RegExp(framing, 'i'), framing);
    t.match(interim(received).last, /^HTTP\/1\.1 (200|502) /);
  }
});

await t.test('42 None goes to an HTTP/1.0 client', async (t) => {
  upstream.reply = () =>
    `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${final}`;
  t.match(await sendRaw(proxy.port, get('1.0'), false), /^HTTP\/1\.[01] 200 OK\r\n[^]*\r\n\r\nok$/);
});

// Whoever switches the proxy to another protocol unasked would have a connection into which he could write answers for
// those who come after.
await t.test('43 A 101 that nobody asked for is a 502, and that connection is gone', async (t) => {
  const surprises = [
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nsurprise',
    'HTTP/1.1 101 Switching Protocols\r\n\r\nsurprise',
    `HTTP/1.1 101 Switching Protocols\r\nContent-Length: 8\r\n\r\nsurprise${final}`,
    `HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\r\n${final}`,
  ];
  const wishes = [[], ['Upgrade: websocket'], ['Connection: close, Upgrade', 'Upgrade: h2c']];
  for (const surprise of surprises) {
    for (const wish of wishes) {
      const before = upstream.connections();
      upstream.reply = () => surprise;
      const received = await sendRaw(
        proxy.port,
        asks('GET /fact/ HTTP/1.1', 'Connection: close', ...wish),
        false,
      );
      const { line, fields } = headOf(interim(received).last);
      t.match(line, /^HTTP\/1\.1 502 /);
      t.same(valuesOf(fields, 'X-Api-Version'), ['0']);
      t.notMatch(received, /surprise| 101 |200 OK/);
      await until(() => upstream.sockets.size === 0, 'the connection goes');
      upstream.reply = () => final;
      t.match(await request(proxy.port, '/plain'), { status: 200, body: 'ok' });
      t.ok(upstream.connections() >= before + 1, 'what follows goes over a new one');
    }
  }
});
