import * as fc from 'fast-check';
import {
  brokenLines,
  among,
  bodyText,
  caseName,
  chunked,
  codingLines,
  damaged,
  edits,
  lengthLines,
  mostly,
  splits,
} from './pieces.ts';

/** What a client sends on one connection. */
export type ClientScript = {
  bytes: string;
  /** A request that nobody could misread, sent right behind. */
  followed: boolean;
  splits: number[];
};

const method = mostly(
  among('GET', 'GET', 'POST', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'),
  among(
    'TRACE',
    'CONNECT',
    'M-SEARCH',
    'PRI',
    'get',
    'G ET',
    'G\tET',
    'FOO',
    '',
    'GET\0',
    'PROPFIND',
    'QUERY',
    'G:T',
  ),
);

const target = mostly(
  among(
    '',
    '',
    '',
    '/a',
    '//a',
    '/%2F/..%2f',
    ';x',
    '?q=1',
    '?a;b&%zz',
    '?',
    '/../..',
    "/!$&'()*+,=@~",
    '/:80',
  ).map((rest) => `/${caseName}${rest}`),
  fc.oneof(
    among('', ':80', ':', '.').map((port) => `http://h.example${port}/${caseName}?x`),
    among(
      '*',
      '',
      '/',
      '//',
      '//evil/x',
      'http://h',
      'http://h?x',
      'HTTP://u@h/',
      'http:///x',
      'https://[::1]/x',
      'ftp://h/',
      'h:80',
      '?x',
      'http://a b/',
      '/#frag',
      '/\x80\xff',
      '/a b',
      '/\tb',
      '/\0',
      '/\x7f',
      '/<>"{}|^`',
      '\\a',
      'http:/x',
      'http://h:x/',
      'http://h#f',
      'http://h\\x/',
      '/ HTTP/1.1',
      `/${'p'.repeat(9000)}`,
    ),
  ),
  8,
);

const version = mostly(
  among('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0'),
  among(
    'HTTP/1.2',
    'HTTP/2.0',
    'http/1.1',
    'HTTP/1.1 ',
    'HTTP/01.1',
    'HTTP/0.9',
    '',
    'HTTP/1.1\t',
    'HTTP/1.10',
    'ICE/1.0',
  ),
  40,
);

const host = mostly<string[]>(
  fc.constantFrom(['Host: h.example'], ['Host: h.example'], ['host:h.example:80'], ['HOST: [::1]:8 ']),
  fc.constantFrom(
    ...[
      '',
      ' a b',
      ' h:x',
      ' a/b',
      ' u@h',
      ' h\0',
      ' h?x',
      ' h#x',
      ' h,i',
      ' \xe9',
      ' h\r\n folded',
      ' h\\x',
      ' [::1',
    ].map((value) => [`Host:${value}`]),
    [],
    ['Host: h', 'Host: h'],
    ['Host: h', 'host: i'],
    ['Host : h'],
    [' Host: h'],
    ['Host: h', 'X_Host: i'],
  ),
  15,
);

const usualLine = among(
  'Accept: */*',
  'X-Order: 1',
  'x-order: 2',
  'X-Empty:',
  'X-Tabs:\t a\tb \t',
  'X-Latin: \xe9\xff',
  'Cookie: uid=1',
  'Connection: keep-alive',
  'Connection: close',
  'Connection: X-Order',
  'connection: x-order , , X-EMPTY',
  'Connection: content-length, transfer-encoding, host',
  'Keep-Alive: timeout=1',
  'TE: trailers',
  'TE: gzip;q=1, trailers',
  'Trailer: X-Sum',
  'Expect: 100-continue',
  'X-Forwarded-For: 6.6.6.6',
  'Via: 1.0 old',
  'X_Forwarded_For: 6.6.6.6',
  'X-Forwarded-Host: evil',
  'Forwarded: for=6',
  'X-Request-Id: mine',
  'X-Api-Version: 9',
  'Content_Length: 3',
  'Content-Type: text/plain',
  'Range: bytes=0-1',
  `X-Case: ${caseName}`,
  `X-Long: ${'l'.repeat(900)}`,
);
const oddLine = fc.oneof(
  among(
    'Connection: Upgrade\r\nUpgrade: websocket',
    'Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AA',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Upgrade: h2c',
    'Expect: 200-ok',
    'Expect: 100-Continue',
    'Connection: X_Under\r\nX_Under: 1',
    'Connection: close, keep-alive',
    'Proxy-Connection: close',
    'Proxy-Connection: keep-alive',
    'Connection: upgrade, x-upgrade-order\r\nUpgrade: h2c\r\nX-Upgrade-Order: 1',
    'Transfer_Encoding: chunked',
  ),
  among(...brokenLines, '\r', '\x0bX: 1'),
  fc
    .integer({ min: 80, max: 1200 })
    .map((count) => Array.from({ length: count }, (_, i) => `X-Many: ${i}`).join('\r\n')),
);

/** Lines that frame, and the body that goes, or does not go, with them. */
const framed = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ lines: [] as string[], body: '' }) },
  {
    weight: 3,
    arbitrary: bodyText.chain((body) => lengthLines(body.length).map((lines) => ({ lines, body }))),
  },
  { weight: 3, arbitrary: fc.record({ lines: codingLines, body: chunked }) },
);

const whole = fc
  .record({
    before: mostly(fc.constant(''), among('\r\n', '\r\n\r\n', '\n', ' ', '\0', '\r'), 40),
    method,
    target,
    version,
    end: mostly(fc.constant('\r\n'), among('\n', '\r', '\n\r', ' \r\n', '\r\r\n'), 60),
    host,
    lines: fc.array(mostly(usualLine, oddLine, 12), { maxLength: 6 }),
    framed,
    place: fc.nat(6),
    edits,
  })
  .map(({ before, method, target, version, end, host, lines, framed, place, edits: list }) => {
    const fields = [...host, ...lines.toSpliced(place, 0, ...framed.lines)];
    const head = [`${before}${method} ${target} ${version}`, ...fields, ''].join(end);
    return damaged(`${head}\r\n${framed.body}`, list);
  });

export const clientScript: fc.Arbitrary<ClientScript> = fc.record({
  bytes: fc.oneof(
    { weight: 12, arbitrary: whole },
    { weight: 2, arbitrary: fc.tuple(whole, whole).map((two) => two.join('')) },
    // A client that ends too early.
    { weight: 2, arbitrary: fc.tuple(whole, fc.nat(300)).map(([text, cut]) => text.slice(0, -1 - cut)) },
  ),
  followed: fc.boolean(),
  splits,
});
