import t, { type Test } from 'tap';
import { sendRaw, until } from '../support/client.ts';
import { asks, headOf, startBefore, startReplier, valuesOf } from '../support/peers.ts';

const upstream = await startReplier(t);
const proxy = await startBefore(t, upstream.url);
const get = asks('GET /fact/ HTTP/1.1', 'Connection: close');

/**
 * Answers with these bytes, and expects of the proxy what it owes its client: a 502 of its own, stamped, with nothing
 * of what the upstream wrote. The upstream keeps its connection open, so the bytes alone must tell.
 */
async function refuses(t: Test, answers: readonly string[]): Promise<void> {
  for (const answer of answers) {
    upstream.reply = () => answer;
    const received = await sendRaw(proxy.port, get, false);
    const { line, fields, rest } = headOf(received);
    t.match(
      {
        line,
        type: valuesOf(fields, 'Content-Type'),
        version: valuesOf(fields, 'X-Api-Version'),
        problem: rest.startsWith('{') ? (JSON.parse(rest) as unknown) : rest,
        leaked: /canary|leaked/i.test(received),
      },
      {
        line: /^HTTP\/1\.1 502 /,
        type: ['application/problem+json'],
        version: ['0'],
        problem: { status: 502, type: /bad-response$/ },
        leaked: false,
      },
      JSON.stringify(answer.slice(0, 100)),
    );
  }
  await until(() => upstream.sockets.size === 0, 'the proxy ends the connections');
}
const tail = 'X-Canary: leaked\r\nContent-Length: 6\r\n\r\nleaked';

await t.test('51 A bad status line is a 502', (t) =>
  refuses(
    t,
    [
      'HTTP/1.1 20',
      'HTTP/1.1 20 OK',
      'HTTP/1.1 2000 OK',
      'HTTP/1.1 2x0 OK',
      'HTTP/1.1 000 OK',
      'HTTP/1.1 099 OK',
      'HTTP/1.1 +200 OK',
      'HTTP/1.1 -200 OK',
      'HTTP/1.1',
      'HTTP/1.1 ',
      'HTTP/1.1  200 OK',
      'HTTP/1.1\t200 OK',
      'HTTP/1.1 200OK',
      ' HTTP/1.1 200 OK',
      'HTTP/2.0 200 OK',
      'HTTP/2 200 OK',
      'HTTP/1.2x 200 OK',
      'HTTP/11 200 OK',
      'HTTP/1. 200 OK',
      'HTTP/0.9 200 OK',
      'http/1.1 200 OK',
      'HTTPS/1.1 200 OK',
      'ICY 200 OK',
      'HTTP/1.1 200 O\x07K',
      'HTTP/1.1 200 O\0K',
      'HTTP/1.1 200 O\x7fK',
      'HTTP/1.1 200 O\rK',
      'SSH-2.0-OpenSSH_9.6',
      '<html>leaked</html>',
      'GET / HTTP/1.1',
      '\x16\x03\x01\x02\0\x01',
    ].map((line) => `${line}\r\n${tail}`),
  ),
);

// What one parser takes for a header, another takes for a part of one, or for the end of the head: whoever can make
// an upstream emit such a line could write answers of his own into the connection.
await t.test('51 A bad header line is a 502', (t) =>
  refuses(t, [
    ...[
      'X-A : 1',
      'X-A\t: 1',
      ' X-A: 1',
      ': 1',
      'bad name: 1',
      'bad(name): 1',
      'caf\xe9: 1',
      'no colon at all',
      'X-A: a\rb',
      'X-A: a\r',
      'X-A: a\0b',
      'X-A: a\x1bb',
      'X-A: a\x7fb',
      'X-A: 1\r\n folded',
      'X-A: 1\r\n\tfolded',
    ].map((field) => `HTTP/1.1 200 OK\r\n${field}\r\n${tail}`),
    `HTTP/1.1 200 OK\n${tail}`,
    `HTTP/1.1 200 OK\r\nX-A: 1\n${tail}`,
    'HTTP/1.1 200 OK\nX-Canary: leaked\nContent-Length: 6\n\nleaked',
    'HTTP/1.1 200 OK\r\nX-Canary: leaked\r\nContent-Length: 6\r\n\nleaked',
    `HTTP/1.1 103 Early Hints\r\nX-A : 1\r\n\r\nHTTP/1.1 200 OK\r\n${tail}`,
  ]),
);

const badLengths = [
  '6, 6',
  '6,7',
  '+6',
  '-6',
  '-0',
  '0x6',
  '6 6',
  '',
  ' ',
  '6.0',
  '6e0',
  '6;',
  'six',
  '\xb2',
  '9007199254740993',
  '18446744073709551622',
  '9'.repeat(400),
].map((length) => `Content-Length: ${length}\r\n`);

// Which length counts decides where the next answer begins, and for whom it is.
await t.test('51 A Content-Length that is doubtful is a 502', (t) =>
  refuses(
    t,
    [
      'Content-Length: 5\r\nContent-Length: 6\r\n',
      'Content-Length: 6\r\ncontent-length: 6\r\n',
      'content-LENGTH: 6\r\nContent-Length:\r\n',
      ...badLengths,
    ].map((fields) => `HTTP/1.1 200 OK\r\nX-Canary: leaked\r\n${fields}\r\nleaked`),
  ),
);

const badCodings = [
  'gzip, chunked',
  'chunked, chunked',
  'chunked, gzip',
  'gzip',
  'identity',
  'xchunked',
  'chunked;q=1',
  '"chunked"',
  'chunked,',
  ', chunked',
  'chun ked',
  '',
  '\x0bchunked',
  'chunkedchunked',
].map((coding) => `Transfer-Encoding: ${coding}\r\n`);

await t.test('51 A Transfer-Encoding other than exactly chunked, or beside a length, is a 502', (t) => {
  const body = 'X-Canary: leaked\r\n\r\n6\r\nleaked\r\n0\r\n\r\n';
  const doubtful = [
    ...badCodings,
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
    'Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n',
    'Transfer-Encoding: chunked\r\ntransfer-encoding:\r\n',
    'Transfer-Encoding: chunked\r\nContent-Length: 6\r\n',
    'Content-Length: 6\r\nTransfer-Encoding: chunked\r\n',
    'Content-Length: 6\r\nTransfer-Encoding: identity\r\n',
    'Content-Length: 0\r\nTransfer-Encoding: chunked\r\n',
  ].map((fields) => `HTTP/1.1 200 OK\r\n${fields}${body}`);
  return refuses(t, [...doubtful, `HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n${body}`]);
});

await t.test('51 A head over 64 KiB is a 502, and its end is not waited for', (t) =>
  refuses(t, [
    `HTTP/1.1 200 OK\r\nX-Canary: ${'leaked'.repeat(11_000)}\r\nContent-Length: 0\r\n\r\n`,
    `HTTP/1.1 200 OK\r\n${'X-Canary: leaked\r\n'.repeat(3700)}Content-Length: 0\r\n\r\n`,
    `HTTP/1.1 200 OK\r\nX-Canary: ${'leaked'.repeat(11_000)}`,
    `HTTP/1.1 200 ${'leaked'.repeat(11_000)}`,
  ]),
);

await t.test('51 A head that only looks odd is an answer', async (t) => {
  for (const [head, field] of [
    ['HTTP/1.1 200 \r\n', undefined],
    ['HTTP/1.1 299 Caf\xe9 \t!\r\n', undefined],
    ['HTTP/1.1 200 OK\r\nX-A:\r\n', 'X-A:'],
    ['HTTP/1.1 200 OK\r\nX-A:\t 1 \t\r\n', 'X-A: 1'],
    ['HTTP/1.1 200 OK\r\nX-A: \xff\x80 a\tb: c\r\n', 'X-A: \xff\x80 a\tb: c'],
    ["HTTP/1.1 200 OK\r\n!#$%&'*+-.^_`|~9: 1\r\n", "!#$%&'*+-.^_`|~9: 1"],
    [`HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(60_000)}\r\n`, `X-A: ${'a'.repeat(60_000)}`],
    ['HTTP/1.1 200 OK\r\n', undefined],
  ] as const) {
    upstream.reply = () => `${head}content-length:2\r\n\r\nok`;
    const { line, fields, rest } = headOf(await sendRaw(proxy.port, get, false));
    t.equal(line, head.slice(0, head.indexOf('\r\n')));
    if (field !== undefined) t.ok(fields.map((one) => one.trim()).includes(field), field.slice(0, 60));
    t.equal(rest, 'ok');
  }
});
