import t from 'tap';
import { parse, type Parsed } from '../support/parse.ts';
import type { Asked } from '../../src/upstream/response-head.ts';

const head = (...lines: string[]) => [...lines, '', ''].join('\r\n');
const [ok, coded, sized] = ['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'Content-Length: 2'];

type Row = [name: string, bytes: string, asked: Partial<Asked>, expected: Partial<Parsed>];

/** Read at once, and byte by byte, to the same end. */
async function table(name: string, rows: Row[]): Promise<void> {
  await t.test(name, (t) => {
    for (const [what, bytes, asked, expected] of rows) {
      const whole = parse(bytes, asked);
      t.match(whole, expected, what);
      t.same(parse(bytes, asked, 1), whole, `${what}, byte by byte`);
    }
    t.end();
  });
}

const websocket = { protocol: 'websocket' };

await table('how long a body is (RFC 9112 §6.3)', [
  ['Content-Length', `${head(ok, sized)}ok`, {}, { body: 'ok', end: 'complete', keepAlive: true }],
  ['of zero', head(ok, 'Content-Length: 0'), {}, { body: '', end: 'complete', keepAlive: true }],
  ['short of it', `${head(ok, sized)}o`, {}, { body: 'o', end: 'open' }],
  ['chunks', `${head(ok, coded)}2\r\nok\r\n0\r\n\r\n`, {}, { body: 'ok', end: 'complete', keepAlive: true }],
  ['chunks in capitals', `${head(ok, 'TRANSFER-ENCODING: Chunked')}0\r\n\r\n`, {}, { end: 'complete' }],
  ['neither', `${head(ok)}to the end`, {}, { body: 'to the end', end: 'until close', keepAlive: false }],
  ['neither, and nothing', head(ok), {}, { body: '', end: 'until close', keepAlive: false }],
  ['HEAD', head(ok, 'Content-Length: 9'), { method: 'HEAD' }, { end: 'complete', keepAlive: true }],
  ['HEAD, chunks', head(ok, coded), { method: 'HEAD' }, { end: 'complete', keepAlive: true }],
  ['HEAD, neither', head(ok), { method: 'HEAD' }, { end: 'complete', keepAlive: true }],
  ['204', head('HTTP/1.1 204 No Content'), {}, { end: 'complete', keepAlive: true }],
  ['304', head('HTTP/1.1 304 Not Modified', 'Content-Length: 9'), {}, { end: 'complete', keepAlive: true }],
  ['304, chunks', head('HTTP/1.1 304 Not Modified', coded), {}, { end: 'complete', keepAlive: true }],
  ['HTTP/1.0', `${head('HTTP/1.0 200 OK', sized)}ok`, {}, { body: 'ok', end: 'complete', keepAlive: false }],
  [
    '1xx, then the rest',
    `${head('HTTP/1.1 100 Continue')}${head(ok, sized)}ok`,
    {},
    { informational: [100], body: 'ok' },
  ],
  [
    '1xx forgets its headers',
    `${head('HTTP/1.1 103 E', 'Content-Length: 0')}${head(ok)}x`,
    {},
    { end: 'until close' },
  ],
]);

await table('what is left to doubt is refused', [
  ...['Content-Length: 2', 'Content-Length: 3', 'content-length: 2'].map((second): Row => [
    `two lengths: ${second}`,
    `${head(ok, sized, second)}ok`,
    {},
    { end: 'refused', body: '' },
  ]),
  ...['', '+2', '-2', '2,2', '2 2', '0x2', '2.0', '1e1', '2;', '9'.repeat(16), '\xb2'].map((length): Row => [
    `length ${length}`,
    `${head(ok, `Content-Length: ${length}`)}ok`,
    {},
    { end: 'refused' },
  ]),
  ...[
    '',
    'gzip',
    'gzip, chunked',
    'chunked, chunked',
    'identity',
    'chunked;a=b',
    'xchunked',
    'chunked\x0b',
  ].map((coding): Row => [
    `coding ${coding}`,
    head(ok, `Transfer-Encoding: ${coding}`),
    {},
    { end: 'refused' },
  ]),
  ['two codings', head(ok, coded, coded), {}, { end: 'refused' }],
  ['a coding beside a length', head(ok, coded, sized), {}, { end: 'refused' }],
  ['the same for HEAD', head(ok, coded, sized), { method: 'HEAD' }, { end: 'refused' }],
  ['a coding in HTTP/1.0', head('HTTP/1.0 200 OK', coded), {}, { end: 'refused' }],
  ['1xx with a body', head('HTTP/1.1 103 E', sized), {}, { end: 'refused', informational: [] }],
  ['1xx with chunks', head('HTTP/1.1 103 E', coded), {}, { end: 'refused', informational: [] }],
  ['1xx in HTTP/1.0', head('HTTP/1.0 100 Continue'), {}, { end: 'refused', informational: [] }],
]);

// Where a 204 has a body all the same, the next answer would begin in it.
await table('a doubt about where the next answer begins ends the connection', [
  ['204 with a length', head('HTTP/1.1 204 No Content', sized), {}, { end: 'complete', keepAlive: false }],
  ['204 with chunks', head('HTTP/1.1 204 No Content', coded), {}, { end: 'complete', keepAlive: false }],
  [
    'Connection: close',
    `${head(ok, sized, 'Connection: close')}ok`,
    {},
    { end: 'complete', keepAlive: false },
  ],
]);

await t.test('bytes after the end are counted, and not read', (t) => {
  for (const [answer, asked] of [
    [`${head(ok, sized)}ok`, {}],
    [`${head(ok, coded)}2\r\nok\r\n0\r\n\r\n`, {}],
    [head(ok, sized), { method: 'HEAD' }],
    [head('HTTP/1.1 204 No Content'), {}],
  ] as const)
    t.match(parse(`${answer}HTTP/1.1 200`, asked), { end: 'complete', excess: 12 });
  t.end();
});

const agrees = (upgrade: string, connection = 'Connection: Upgrade') =>
  `${head('HTTP/1.1 101 Switching Protocols', upgrade, connection)}\x81\x00`;

await table('101 is a tunnel when it was asked for, with that protocol (RFC 9110 §7.8)', [
  [
    'as asked',
    agrees('Upgrade: WebSocket'),
    websocket,
    { status: 101, body: '\x81\x00', end: 'until close' },
  ],
  ['unasked', agrees('Upgrade: websocket'), {}, { end: 'refused', status: undefined }],
  ['another', agrees('Upgrade: h2c'), websocket, { end: 'refused', status: undefined }],
  ['two', agrees('Upgrade: websocket, h2c'), websocket, { end: 'refused' }],
  ['none', agrees('X: y'), websocket, { end: 'refused' }],
  ['without Connection', agrees('Upgrade: websocket', 'X: y'), websocket, { end: 'refused' }],
  [
    'not agreed to',
    `${head('HTTP/1.1 403 No', sized)}no`,
    websocket,
    { status: 403, body: 'no', keepAlive: true },
  ],
]);
