import t from 'tap';
import { parse } from '../support/parse.ts';

const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

await t.test('chunks are read as RFC 9112 §7.1 has them', (t) => {
  const good: [string, string, string[]?][] = [
    ['0\r\n\r\n', ''],
    ['2\r\nok\r\n0\r\n\r\n', 'ok'],
    ['A\r\n0123456789\r\n1\r\n!\r\n000\r\n\r\n', '0123456789!'],
    ['0000000000002\r\nok\r\n0\r\n\r\n', 'ok'],
    ['2;name=value;flag;q="a;b"\r\nok\r\n0;last\r\n\r\n', 'ok'],
    ['2 \t;name\r\nok\r\n0\r\n\r\n', 'ok'],
    ['2\r\n\r\n\r\n0\r\n\r\n', '\r\n'],
    ['2\r\nok\r\n0\r\nX-Sum: 1\r\nX-Sum:2 \r\n\r\n', 'ok', ['X-Sum', '1', 'X-Sum', '2']],
  ];
  for (const [chunks, body, trailers = []] of good) {
    for (const step of [Infinity, 1, 3])
      t.match(
        parse(head + chunks, {}, step),
        { end: 'complete', keepAlive: true, excess: 0 },
        JSON.stringify(chunks),
      );
    const { body: read, trailers: read2 } = parse(head + chunks);
    t.same([read, read2], [body, trailers]);
    t.same(parse(head + chunks, {}, 1), parse(head + chunks), 'and byte by byte');
  }
  t.end();
});

// Whoever reads one of these otherwise than the sender meant it sees another end of the body.
await t.test('what is not such a chunk is refused', (t) => {
  const bad = [
    '\r\n',
    ' 2\r\nok',
    '+2\r\nok',
    '-2\r\nok',
    '0x2\r\nok',
    '2,\r\nok',
    '2 \r\nok',
    'g\r\n',
    '2\nok',
    '2\rok\r\n',
    '2\r\nokx',
    '2\r\nok0\r\n\r\n',
    '2\r\nok\n',
    '2\r\nok\rx\r\n',
    '2\r\nok\r\n\r\n',
    '20000000000000\r\n',
    'ffffffffffffffff\r\n',
    '2;a\0\r\nok',
    '2;\x7f\r\nok',
    '2 a\r\nok',
    '\xb2\r\nok',
    '2;a=b\n\r\nok',
    '0\r\nX : 1\r\n\r\n',
    '0\r\n X: 1\r\n\r\n',
    '0\r\nX: 1\n\r\n',
    '0\r\nX: \0\r\n\r\n',
    '0\r\nX\r\n\r\n',
    '0\r\n\n',
  ];
  for (const chunks of bad) {
    const bytes = `${head}${chunks}${'x'.repeat(200)}\r\n`;
    for (const step of [Infinity, 1]) t.equal(parse(bytes, {}, step).end, 'refused', JSON.stringify(chunks));
  }
  t.end();
});

await t.test('an end within is no end', (t) => {
  const chunks = '2;x\r\nok\r\n0\r\nX: 1\r\n\r\n';
  for (let length = 0; length < chunks.length; length += 1)
    t.equal(parse(head + chunks.slice(0, length)).end, 'open', JSON.stringify(chunks.slice(0, length)));
  t.end();
});

await t.test('trailers do not frame what they follow', (t) => {
  const { trailers, ...rest } = parse(`${head}0\r\nContent-Length: 5\r\nConnection: close\r\n\r\n`);
  t.match(rest, { end: 'complete', body: '', keepAlive: true });
  t.equal(trailers.length, 4, 'they are reported for what they are');
  t.end();
});

const ends = (chunks: string) => [Infinity, 1000].map((step) => parse(head + chunks, {}, step).end);
const extended = (bytes: number, times = 1) => `1;${'e'.repeat(bytes - 1)}\r\nx\r\n`.repeat(times);

await t.test('lines between chunks, their extensions and trailers are bounded', (t) => {
  t.same(ends(`${extended(16_384)}0\r\n\r\n`), ['complete', 'complete']);
  t.same(ends(extended(16_385)), ['refused', 'refused']);
  t.same(ends(`${extended(100, 160)}0\r\n\r\n`), ['complete', 'complete']);
  t.same(ends(extended(100, 170)), ['refused', 'refused'], 'all of an answer together');
  t.same(ends(`1${'0'.repeat(80_000)}`), ['refused', 'refused'], 'a line without an end');
  t.same(ends(`0\r\n${'X: yyyy\r\n'.repeat(8000)}\r\n`), ['refused', 'refused'], 'trailers');
  t.end();
});

// The room left by the head was taken for the lines between chunks as well, though only while they came in parts.
await t.test('a head of almost the full length may have chunks, however they come', (t) => {
  const before = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: ';
  const long = `${before}${'x'.repeat(65_536 - before.length - 4 - 2)}\r\n\r\n`;
  const chunks = '0000005;extension\r\nhello\r\n0\r\n\r\n';
  for (const step of [Infinity, 1, 7])
    t.match(parse(long + chunks, {}, step), { end: 'complete', body: 'hello' }, `by ${step}`);
  t.end();
});
