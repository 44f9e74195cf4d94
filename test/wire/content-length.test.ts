import t from 'tap';
import { refuses, serves, startWire } from '../support/wire.ts';

const wire = await startWire(t);
const post = (headers: string, body: string) =>
  `POST /fact/ HTTP/1.1\r\nHost: client.example\r\n${headers}\r\n${body}`;

/** What the attacker wants the upstream to take for the next client's request. */
const hidden = 'GET /admin HTTP/1.1\r\nX-Rest: ';

// Whoever reads the length and whoever reads the chunks disagree on where the body ends: what is body to the
// proxy would be a request of its own to the upstream, answered to the next client (CL.TE, TE.CL).
await t.test('01 Content-Length with Transfer-Encoding is refused and the connection closed', async (t) => {
  const chunks = `0\r\n\r\n${hidden}`;
  const both = [
    `Content-Length: ${chunks.length}\r\nTransfer-Encoding: chunked\r\n`,
    `Transfer-Encoding: chunked\r\nContent-Length: ${chunks.length}\r\n`,
    'Transfer-Encoding: chunked\r\nContent-Length: 0\r\n',
    'content-length: 4\r\nX-Between: 1\r\ntransfer-encoding: CHUNKED\r\n',
    'Content-Length: 4\r\nConnection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n',
    'Content-Length: 4\r\nConnection: content-length\r\nTransfer-Encoding: chunked\r\n',
    'Content-Length: 4\r\nTransfer-Encoding: identity\r\n',
    // A request that asks for an upgrade takes another way through the proxy.
    'Content-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n',
  ];
  for (const headers of both) await refuses(t, wire, post(headers, chunks), 400, JSON.stringify(headers));
  const webSocket = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
  await refuses(t, wire, post(`${webSocket}${both[0]}`, chunks).replace('POST', 'GET'), 400, 'a WebSocket');
});

// One side takes the first length, the other the last: the bytes between are the smuggled request.
await t.test('02 two Content-Lengths are refused', async (t) => {
  const pairs = [
    ['4', '40'],
    ['40', '4'],
    ['0', '40'],
    ['4', ''],
    ['4', '+4'],
    ['4', '4'],
  ];
  for (const [first, second] of pairs) {
    const headers = `Content-Length: ${first}\r\nX-Between: 1\r\ncontent-length: ${second}\r\n`;
    await refuses(t, wire, post(headers, `body${hidden}`), 400, `${first} and ${second}`);
  }
});

// Parsers differ in what they make of these: 5, 0, no length at all, or 5 after an overflow.
await t.test('03 a Content-Length that is not plain digits is refused', async (t) => {
  const spellings = [
    '+5',
    '-1',
    '0x5',
    '5,5',
    '5, 5',
    '5 5',
    '5;',
    '"5"',
    '5.0',
    '5e0',
    '1_0',
    'five',
    '',
    ',',
  ];
  const overflows = ['18446744073709551621', '36893488147419103237', '9'.repeat(400)];
  const odd = ['\x0b5', '5\x0c', '5\x00', '\xb2', '\xd9\xa5', '5\xa0'];
  for (const length of [...spellings, ...overflows, ...odd])
    await refuses(
      t,
      wire,
      post(`Content-Length: ${length}\r\n`, `12345${hidden}`),
      400,
      JSON.stringify(length.slice(0, 24)),
    );
});

await t.test('a plain length passes, with blanks around it or none', async (t) => {
  for (const length of ['Content-Length:5', 'Content-Length:   5  ', 'CONTENT-LENGTH: 5']) {
    const message = await serves(t, wire, post(`${length}\r\nConnection: close\r\n`, '12345'), length);
    t.same([message?.values('content-length'), message?.body], [['5'], '12345'], length);
  }
});
