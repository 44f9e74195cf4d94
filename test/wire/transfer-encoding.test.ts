import t from 'tap';
import { refuses, serves, startWire } from '../support/wire.ts';

const wire = await startWire(t);
const post = (headers: string, version = '1.1') =>
  `POST /fact/ HTTP/${version}\r\nHost: client.example\r\n${headers}\r\n0\r\n\r\nGET /admin HTTP/1.1\r\nX-Rest: `;

// A spelling that one side takes for `chunked` and the other does not: the other reads the chunks as a request
// (TE.TE). The list is of spellings that once got through some proxy.
await t.test('04 a Transfer-Encoding other than exactly chunked is refused', async (t) => {
  const spellings = [
    'xchunked',
    'chunkedx',
    'x-chunked',
    'chunk',
    'identity',
    'gzip',
    'gzip, chunked',
    'identity, chunked',
    'chunked, identity',
    'chunked, gzip',
    'chunked, chunked',
    'chunked,',
    ',chunked',
    'chunked;q=1',
    'chunked; ext="a"',
    '"chunked"',
    "'chunked'",
    'chun ked',
    'chunked chunked',
    'chunked\x0b',
    '\x0bchunked',
    '\x0cchunked',
    'chunked\x00',
    '\x00chunked',
    'chunked\xa0',
    '\xa0chunked',
    // The Kelvin sign, a `k` to a parser that folds case as Unicode does.
    'chun\xe2\x84\xaaed',
  ];
  for (const coding of spellings)
    await refuses(t, wire, post(`Transfer-Encoding: ${coding}\r\n`), [400, 501], JSON.stringify(coding));
  for (const [first, second] of [
    ['chunked', 'identity'],
    ['identity', 'chunked'],
    ['chunked', 'chunked'],
    ['chunked', 'x'],
    ['chunked', ''],
  ]) {
    const headers = `Transfer-Encoding: ${first}\r\nX-Between: 1\r\ntransfer-encoding: ${second}\r\n`;
    await refuses(t, wire, post(headers), [400, 501], `${first} and ${second}, in two lines`);
  }
});

// Is it there or not? A parser that asks for presence waits for chunks, one that asks for a value sees no body.
await t.test('05 an empty Transfer-Encoding is refused', async (t) => {
  for (const headers of [
    'Transfer-Encoding:\r\n',
    'Transfer-Encoding: \r\n',
    'Transfer-Encoding: \t \r\n',
    'Transfer-Encoding: ,\r\n',
    'Transfer-Encoding:\r\nContent-Length: 5\r\n',
    'Content-Length: 5\r\nTransfer-Encoding: \r\n',
    'Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n',
  ])
    await refuses(t, wire, post(headers), 400, JSON.stringify(headers));
});

// HTTP/1.0 knows no chunks: an older hop sees no body and takes the chunks for the next request (RFC 9112 §6.1).
await t.test('06 a Transfer-Encoding on HTTP/1.0 is refused', async (t) => {
  for (const headers of [
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n',
    'Transfer-Encoding: identity\r\n',
    'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n',
  ])
    await refuses(t, wire, post(headers, '1.0'), [400, 501], JSON.stringify(headers));
});

await t.test('chunked passes, in either case', async (t) => {
  for (const coding of ['chunked', 'Chunked', '\tCHUNKED ']) {
    const head = `POST /fact/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ${coding}\r\nConnection: close\r\n\r\n`;
    const message = await serves(t, wire, `${head}4\r\ngood\r\n0\r\n\r\n`, coding);
    t.same([message?.values('transfer-encoding'), message?.body], [['chunked'], 'good'], coding);
  }
});
