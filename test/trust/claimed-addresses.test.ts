import t from 'tap';
import { sendRaw } from '../support/client.ts';
import { asks, headOf, startBefore, startReplier, valuesOf } from '../support/peers.ts';
import { converse, plain, startWire, type Message } from '../support/wire.ts';

const upstream = await startReplier(t);
const proxy = await startBefore(t, upstream.url);
const trusting = await startBefore(t, upstream.url, { more: 'trustedProxies: [loopback]' });

/** What frameworks and middleware take for the client's address, some of them before X-Forwarded-For. */
const claims = [
  'X-Real-IP',
  'X-Client-IP',
  'Client-IP',
  'True-Client-IP',
  'X-Cluster-Client-IP',
  'X-Original-Forwarded-For',
  'X-Envoy-External-Address',
  'CF-Connecting-IP',
  'Fastly-Client-IP',
  'X-Forwarded',
  'X-Forwarded-For',
  'X-Forwarded-By',
  'X-Forwarded-Client-Cert',
  'Forwarded',
];

/** The spellings in which a CGI or WSGI upstream reads a name as the same one. */
const spellings = (name: string) => [name, name.toLowerCase(), name.toUpperCase(), name.replaceAll('-', '_')];

async function forwarded(port: number, path: string, ...fields: string[]) {
  await sendRaw(port, asks(`GET ${path} HTTP/1.1`, 'Connection: close', ...fields), false);
  return headOf(upstream.heads.at(-1) ?? '').fields;
}

await t.test('nothing that a stranger says of an address arrives, in any spelling', async (t) => {
  const said = claims.flatMap(spellings).map((name) => `${name}: 6.6.6.6`);
  for (const path of ['/fact/', '/plain']) {
    for (const fields of [said.slice(0, said.length / 2), said.slice(said.length / 2)]) {
      const seen = await forwarded(proxy.port, path, ...fields);
      t.notMatch(seen.join('\n'), /6\.6\.6\.6/);
      t.same(valuesOf(seen, 'X-Forwarded-For'), ['127.0.0.1']);
    }
  }
});

await t.test('nor does it as a trailer, from anybody', async (t) => {
  for (const more of ['', 'trustedProxies: [loopback]\n']) {
    const wire = await startWire(t, (url) => plain(url) + more);
    const trailers = claims.flatMap(spellings).map((name) => `${name}: 6.6.6.6\r\n`);
    await converse(
      wire.port,
      `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n${trailers.slice(0, 30).join('')}X-Sum: 1\r\n\r\n`,
    );
    const [message] = wire.upstream.messages as [Message];
    t.match(message.bytes, /x-sum: 1/i, 'others do');
    t.notMatch(message.bytes, /6\.6\.6\.6/);
  }
});

await t.test('a tunnel begins with none either', async (t) => {
  const upgrade = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: a',
  ];
  const said = claims.map((name) => `${name}: 6.6.6.6`);
  await sendRaw(proxy.port, asks('GET /fact/ HTTP/1.1', ...upgrade, ...said));
  const { fields } = headOf(upstream.heads.at(-1) ?? '');
  t.same(valuesOf(fields, 'Upgrade'), ['websocket']);
  t.notMatch(fields.join('\n'), /6\.6\.6\.6/);
});

await t.test('what a trusted proxy says of an address arrives', async (t) => {
  for (const name of claims.filter((claim) => claim !== 'X-Forwarded-For')) {
    const seen = await forwarded(trusting.port, '/fact/', `${name}: 198.51.100.9`);
    t.same(valuesOf(seen, name), ['198.51.100.9'], name);
  }
});

await t.test('a chain is kept whole and in order, however many fields and proxies it has', async (t) => {
  const chain = [
    'X-Forwarded-For: 198.51.100.9,2001:db8::1',
    'x-forwarded-for:   unknown',
    'X-FORWARDED-FOR: _hidden, "[::1]:80"',
  ];
  const seen = await forwarded(trusting.port, '/fact/', ...chain);
  t.same(valuesOf(seen, 'X-Forwarded-For'), [
    '198.51.100.9,2001:db8::1, unknown, _hidden, "[::1]:80", 127.0.0.1',
  ]);
  const cut = await forwarded(
    trusting.port,
    '/fact/',
    ...chain,
    'Connection: X-Forwarded-For, X-Real-IP',
    'X-Real-IP: 6.6.6.6',
  );
  t.same(valuesOf(cut, 'X-Forwarded-For').length, 1, 'and Connection cannot take it away');
  t.match(valuesOf(cut, 'X-Forwarded-For')[0], /127\.0\.0\.1$/);
});
