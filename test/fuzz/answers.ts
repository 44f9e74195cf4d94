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

/** What the upstream does with a request. */
export type UpstreamScript = {
  bytes: string;
  splits: number[];
  /** Whether it waits for the whole request. */
  start: 'head' | 'complete';
  /** What it does with the connection after that. It keeps one only after a whole answer, else it ends it too. */
  afterwards: 'keep' | 'end' | 'reset' | 'silence';
};

const statusLine = mostly(
  fc
    .tuple(
      among('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0'),
      mostly(
        among('200', '200', '200', '404', '500', '206'),
        among('204', '304', '204', '304', '600', '999', '299', '401'),
        4,
      ),
      among('OK', 'OK', '', 'Two words', '\xe9\t~'),
    )
    .map((parts) => parts.join(' ')),
  among(
    'HTTP/1.1 200',
    'HTTP/1.1  200 OK',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1 099 OK',
    'HTTP/2 200 OK',
    'HTTP/1.2 200 OK',
    'http/1.1 200 OK',
    'HTTP/1.1 200 O\0K',
    'HTTP/1.1 200 O\x07K',
    'SSH-2.0-x',
    '',
    ' HTTP/1.1 200 OK',
    'HTTP/1.1 200 O\rK',
    'HTTP/1.1\t200 OK',
    'HTTP/1.1 +20 OK',
    'HTTP/1.1 101 Switching',
    'ICY 200 OK',
    'HTTP/1.1 2x0 OK',
    'HTTP/1.1 200OK',
    'HTTP/1.1 000 Zero',
    'HTTP/01.1 200 OK',
    'HTTP/1.1 -20 OK',
    'HTTP/1.1 100 Continue',
  ),
  15,
);

const usualLine = among(
  'Content-Type: text/plain',
  'ETag: "1"',
  'X-Order: 1',
  'x-order: 2',
  'Set-Cookie: a=1',
  'Set-Cookie: b=2; Path=/',
  'X-Empty:',
  'X-Tabs:\t a\tb \t',
  'X-Latin: \xe9\xff',
  'Connection: close',
  'Connection: keep-alive',
  'Connection: X-Order',
  'Connection: content-length, set-cookie, transfer-encoding',
  'Keep-Alive: timeout=1',
  'Keep-Alive: timeout=30, max=5',
  'Date: Thu, 01 Jan 1970 00:00:00 GMT',
  'Server: raw',
  'Trailer: X-Sum',
  'Location: /next',
  'Vary: Accept',
  'Cache-Control: no-store',
  'X-Api-Version: 9',
  'Upgrade: h2c',
  'TE: x',
  'Content-Encoding: gzip',
  'Content-Range: bytes 0-1/2',
  'Via: 1.1 other',
  'Proxy-Authenticate: Basic',
);
const oddLine = among(
  ...brokenLines,
  'Connection: close, keep-alive',
  `X-Long: ${'l'.repeat(20_000)}`,
  `X-Huge: ${'h'.repeat(70_000)}`,
  'Upgrade: websocket\r\nConnection: Upgrade',
  'Content-Type: text/event-stream',
  'Proxy-Connection: close',
  '__proto__: 1',
  'constructor: 1',
);

const framed = fc.oneof(
  // As long as the connection.
  { weight: 2, arbitrary: bodyText.map((body) => ({ lines: [] as string[], body })) },
  {
    weight: 4,
    arbitrary: bodyText.chain((body) => lengthLines(body.length).map((lines) => ({ lines, body }))),
  },
  { weight: 4, arbitrary: fc.record({ lines: codingLines, body: chunked }) },
);

const informational = fc
  .tuple(
    mostly(
      among('100 Continue', '103 Early Hints', '102 Processing', '199 Odd'),
      among('101 Switching', '10 x', '1 x'),
      30,
    ),
    fc.array(mostly(usualLine, fc.oneof(oddLine, among('Content-Length: 0', 'Content-Length: 1')), 15), {
      maxLength: 2,
    }),
  )
  .map(([status, lines]) => [`HTTP/1.1 ${status}`, ...lines, '', ''].join('\r\n'));

const switching = among('', 'early ', `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`).map(
  (early) => `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${early}`,
);

const whole = fc
  .record({
    informational: mostly(
      fc.constant<string[]>([]),
      fc.array(informational, { minLength: 1, maxLength: 3 }),
      4,
    ),
    statusLine,
    end: mostly(fc.constant('\r\n'), among('\n', '\r', '\n\r', ' \r\n'), 60),
    lines: fc.array(mostly(usualLine, oddLine, 15), { maxLength: 5 }),
    framed,
    place: fc.nat(5),
    edits,
    excess: mostly(
      fc.constant(''),
      among(
        'x',
        '\r\n',
        `HTTP/1.1 200 OK\r\nX-Case: excess\r\nContent-Length: 6\r\n\r\nexcess`,
        '0\r\n\r\n',
        '\0',
      ),
      8,
    ),
  })
  .map(({ informational, statusLine, end, lines, framed, place, edits: list, excess }) => {
    const fields = [`X-Case: ${caseName}`, ...lines.toSpliced(place, 0, ...framed.lines)];
    const head = [statusLine, ...fields, ''].join(end);
    return damaged(`${informational.join('')}${head}\r\n${framed.body}`, list) + excess;
  });

export const upstreamScript: fc.Arbitrary<UpstreamScript> = fc.record({
  bytes: fc.oneof(
    { weight: 20, arbitrary: whole },
    { weight: 2, arbitrary: fc.tuple(whole, fc.nat(200)).map(([text, cut]) => text.slice(0, -1 - cut)) },
    { weight: 1, arbitrary: switching },
    { weight: 1, arbitrary: fc.constant('') },
  ),
  splits,
  start: mostly<'head' | 'complete'>(fc.constant('complete'), fc.constant('head'), 6),
  afterwards: fc.oneof(
    { weight: 60, arbitrary: fc.constant<'keep'>('keep') },
    { weight: 40, arbitrary: fc.constant<'end'>('end') },
    { weight: 8, arbitrary: fc.constant<'reset'>('reset') },
    { weight: 1, arbitrary: fc.constant<'silence'>('silence') },
  ),
});
