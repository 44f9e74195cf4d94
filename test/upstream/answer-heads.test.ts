import t, { type Test } from 'tap';
import { parse } from '../support/parse.ts';

const head = (...lines: string[]) => [...lines, '', ''].join('\r\n');
const withHeader = (line: string) => head('HTTP/1.1 200 OK', line, 'Content-Length: 0');

/** Refused in one piece and byte by byte, before anything of it is reported. */
function refused(t: Test, bytes: string): void {
  for (const step of [Infinity, 1])
    t.match(
      parse(bytes, {}, step),
      { end: 'refused', status: undefined },
      JSON.stringify(bytes.slice(0, 60)),
    );
}

await t.test('status lines: what RFC 9112 §4 has, and one lenience', (t) => {
  const good: [string, number, string][] = [
    ['HTTP/1.1 200 OK', 200, 'OK'],
    ['HTTP/1.0 404 Not  Found ', 404, 'Not  Found '],
    ['HTTP/1.1 299 ', 299, ''],
    ['HTTP/1.1 204', 204, ''],
    ['HTTP/1.1 999 \xe9t\xe9\tfini', 999, '\xe9t\xe9\tfini'],
  ];
  for (const [line, status, reason] of good)
    t.match(
      parse(head(line, 'Content-Length: 0')),
      { status, reason, end: 'complete' },
      JSON.stringify(line),
    );
  const bad = [
    '',
    ' HTTP/1.1 200 OK',
    'http/1.1 200 OK',
    'HTTP/2 200 OK',
    'HTTP/1.2 200 OK',
    'HTTP/1.10 200 OK',
    'HTTP/1.1  200 OK',
    'HTTP/1.1\t200 OK',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1 099 OK',
    'HTTP/1.1 +20 OK',
    'HTTP/1.1 200OK',
    'HTTP/1.1 200 O\x07K',
    'HTTP/1.1 200 O\0K',
    'HTTP/1.1 200 O\rK',
    'HTTP/1.1 200 \x7f',
    'ICY 200 OK',
    'GET / HTTP/1.1',
    '\xef\xbb\xbfHTTP/1.1 200 OK',
  ];
  for (const line of bad) refused(t, head(line, 'Content-Length: 0'));
  t.end();
});

await t.test('names: tokens, and their colon at once', (t) => {
  t.same(parse(withHeader("!#$%&'*+-.^_`|~9aZ: x")).headers.slice(0, 2), ["!#$%&'*+-.^_`|~9aZ", 'x']);
  for (const line of [
    'X : y',
    ': y',
    'X',
    'X y: z',
    'X\0: y',
    'X\xe9: y',
    'X(1): y',
    ' X: y',
    '\tX: y',
    '"X": y',
  ])
    refused(t, withHeader(line));
  t.end();
});

await t.test('values: blanks around them go, control characters are refused, folding is', (t) => {
  const values = [
    ['X:y', 'y'],
    ['X: \t y\tz \t', 'y\tz'],
    ['X:', ''],
    ['X: \t', ''],
    ['X: \xff\x80', '\xff\x80'],
    ['X: a:b', 'a:b'],
  ] as const;
  for (const [line, value] of values)
    t.equal(parse(withHeader(line)).headers[1], value, JSON.stringify(line));
  for (const value of ['a\0b', 'a\rb', 'a\x0bb', 'a\x7f', '\x1b[31m', 'a\r\n b', 'a\r\n\tb', '\r'])
    refused(t, withHeader(`X: ${value}`));
  t.end();
});

await t.test('lines end in CRLF and in nothing else', (t) => {
  for (const bytes of [
    'HTTP/1.1 200 OK\nContent-Length: 0\n\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n',
    'HTTP/1.1 200 OK\r\nX: y\n\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\rContent-Length: 0\r\r\n\r\n',
    '\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  ])
    refused(t, bytes);
  t.end();
});

await t.test('order, case and repeats of headers are kept', (t) => {
  const { headers } = parse(
    head('HTTP/1.1 200 OK', 'set-cookie: a', 'X: 1', 'Set-Cookie: b', 'Content-Length: 0'),
  );
  t.same(headers, ['set-cookie', 'a', 'X', '1', 'Set-Cookie', 'b', 'Content-Length', '0']);
  t.end();
});

const long = (bytes: number) => {
  const [before, after] = ['HTTP/1.1 200 OK\r\nX: ', '\r\nContent-Length: 0\r\n\r\n'];
  return `${before}${'x'.repeat(bytes - before.length - after.length)}${after}`;
};

await t.test('a head is bounded, with the informational ones before it', (t) => {
  for (const step of [Infinity, 1000, 1]) {
    t.equal(parse(long(65_536), {}, step).end, 'complete', `64 KiB, by ${step}`);
    t.equal(parse(long(65_537), {}, step).end, 'refused', `a byte more, by ${step}`);
    t.equal(parse('x'.repeat(70_000), {}, step).end, 'refused', `without an end, by ${step}`);
  }
  const hint = head('HTTP/1.1 103 Early Hints', 'Link: </a>');
  t.equal(parse(hint.repeat(1000) + withHeader('X: y')).informational.length, 1000);
  t.equal(parse(hint.repeat(2000)).end, 'refused', 'a flood of hints');
  t.equal(
    parse(head('HTTP/1.1 200 OK', ...Array.from({ length: 13_000 }, () => 'a:'))).headers.length,
    26_000,
  );
  t.end();
});
