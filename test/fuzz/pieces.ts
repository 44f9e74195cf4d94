import * as fc from 'fast-check';

/** Stands for the name of a case in its bytes, and is as long as one, so that lengths stay right. */
export const caseName = '{{case}}';

/** Mostly one of `usual`, at times one of `odd`. */
export const mostly = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>, weight = 15): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: odd });

export const among = (...values: string[]): fc.Arbitrary<string> => fc.constantFrom(...values);

/** What bodies are made of: among it what would be a message if anybody lost count. */
const bodyPiece = fc.oneof(
  { weight: 4, arbitrary: fc.string({ maxLength: 20, unit: 'binary-ascii' }) },
  {
    weight: 3,
    arbitrary: among(
      `body of ${caseName}`,
      `GET /smuggled-${caseName} HTTP/1.1\r\nHost: h\r\n\r\n`,
      `HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled`,
      '0\r\n\r\n',
      '\r\n',
      '\r\n\r\n',
      '\xff\xfe\x80',
    ),
  },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 3000 }).map((length) => 'y'.repeat(length)) },
);
export const bodyText = fc.oneof(
  { weight: 30, arbitrary: fc.array(bodyPiece, { maxLength: 4 }).map((pieces) => pieces.join('')) },
  { weight: 1, arbitrary: fc.integer({ min: 60_000, max: 200_000 }).map((length) => 'z'.repeat(length)) },
);

const spell = (size: number): fc.Arbitrary<string> => {
  const hex = size.toString(16);
  return mostly(
    among(hex, hex, hex, hex.toUpperCase(), `0${hex}`, `00000000${hex}`),
    among(
      `+${hex}`,
      `-${hex}`,
      `0x${hex}`,
      `${hex} `,
      ` ${hex}`,
      `${hex}\t`,
      `${hex}g`,
      '',
      'f'.repeat(16),
      `1${'0'.repeat(16)}`,
      (size + 1).toString(16),
      Math.max(0, size - 1).toString(16),
      `${hex}.`,
      `_${hex}`,
      `${hex};a=b`,
      `${hex};a="b c"`,
      `${hex} ;a`,
      `${hex};a="\r\n"`,
      `${hex};a\nb`,
      `${hex};\0`,
      `${hex};a\r`,
      `${hex};`,
      `${hex}\r`,
      `${hex}\n`,
      `${hex},${hex}`,
      `${hex};${'e'.repeat(300)}`,
      `${hex};\x7f`,
    ),
    25,
  );
};

const lineEnd = mostly(fc.constant('\r\n'), among('\n', '\r', '', '\r\r\n', ' \r\n', '\r\n\r\n'), 60);

const chunk = bodyText
  .filter((text) => text !== '')
  .chain((text) => fc.tuple(spell(text.length), lineEnd, fc.constant(text), lineEnd))
  .map((parts) => parts.join(''));

export const trailerLine = mostly(
  among(
    'X-Sum: 1',
    `X-Trailer: ${caseName}`,
    'x-sum: 2',
    'Content-Length: 5',
    'Transfer-Encoding: chunked',
    'Connection: close',
    'Host: evil',
    'X-Api-Version: 9',
    'X-Request-Id: t',
    'Set-Cookie: a=1',
    'X-Order: late',
    'X-Forwarded-For: 6.6.6.6',
    'Transfer_Encoding: chunked',
  ),
  among('X-Fold: a\r\n b', 'no colon', 'X Space: 1', 'X-Nul: \0', 'X-Lf: a\nb', ': none', 'X-Sum : 1'),
);

/** A body in chunks, with its end. */
export const chunked = fc
  .record({
    chunks: fc.array(chunk, { maxLength: 3 }),
    last: mostly(among('0', '0', '0', '00', '0000000000'), among('', '-0', '0x0', '0;a', '0 ', '0\r'), 25),
    trailers: mostly(fc.constant<string[]>([]), fc.array(trailerLine, { minLength: 1, maxLength: 3 }), 2),
    end: mostly(fc.constant('\r\n'), among('', '\r', '\n', '\n\n', 'x\r\n'), 40),
  })
  .map(({ chunks, last, trailers, end }) =>
    [...chunks, `${last}\r\n`, ...trailers.map((line) => `${line}\r\n`), end].join(''),
  );

const lengthLine = (value: string): string[] => [`Content-Length: ${value}`];

/** How a length is written: rightly, nearly so, or not at all. */
export const lengthLines = (length: number): fc.Arbitrary<string[]> => {
  const right = `Content-Length: ${length}`;
  return mostly<string[]>(
    fc.constantFrom([right], [right], [`content-length:${length}`], [`CONTENT-LENGTH:  ${length}  `]),
    fc.constantFrom(
      ...[`+${length}`, `-${length}`, `0x${length}`, `${length},${length}`, `${length} ${length}`, ''].map(
        lengthLine,
      ),
      ...[`${length}.0`, '1e1', '9'.repeat(22), '18446744073709551616', `${length}\x0b`, `0${length}`].map(
        lengthLine,
      ),
      ...[
        `${length + 1}`,
        `${length + 50}`,
        `${Math.max(0, length - 1)}`,
        '0',
        `${length};`,
        `"${length}"`,
      ].map(lengthLine),
      [right, right],
      [right, `Content-Length: ${length + 1}`],
      [`Content-Length : ${length}`],
      [`Content-Length:\r\n ${length}`],
      [`Content-Length\0: ${length}`],
      [` ${right}`],
      [`X: y\n${right}`],
    ),
    6,
  );
};

export const codingLines: fc.Arbitrary<string[]> = mostly<string[]>(
  fc.constantFrom(
    ['Transfer-Encoding: chunked'],
    ['transfer-encoding:CHUNKED'],
    ['Transfer-Encoding:\tchunked '],
  ),
  fc.oneof(
    among(
      'chunked, identity',
      'identity',
      'gzip, chunked',
      'chunked, chunked',
      'xchunked',
      '\x0bchunked',
      '',
      ',',
      'chunked;q=1',
      '"chunked"',
      'chunked\0',
      ',chunked',
      'chunked,',
      'gzip',
      'chunked\n',
      '\r\n chunked',
    ).map((value) => [`Transfer-Encoding: ${value}`]),
    fc.constantFrom<string[][]>(
      ['Transfer-Encoding : chunked'],
      ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
      ['Transfer-Encoding: identity', 'Transfer-Encoding: chunked'],
      ['Transfer-Encoding: chunked', 'Content-Length: 3'],
      ['Content-Length: 0', 'Transfer-Encoding: chunked'],
      ['Transfer_Encoding: chunked', 'Transfer-Encoding: chunked'],
      ['Content-Length: 5', 'transfer-encoding: chunked'],
    ),
  ),
  6,
);

/** Small damage anywhere; mostly none. */
export type Edit = { at: number; cut: number; add: string };
export const edits: fc.Arbitrary<Edit[]> = mostly(
  fc.constant<Edit[]>([]),
  fc.array(
    fc.record({
      at: fc.nat(400),
      cut: fc.nat(3),
      add: among('', '\r', '\n', '\r\n', '\0', ' ', '\t', ':', ',', '0', '\xff', '\x7f', '\r\n\r\n'),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  8,
);

export const damaged = (text: string, list: readonly Edit[]): string =>
  list.reduce((whole, { at, cut, add }) => whole.slice(0, at) + add + whole.slice(at + cut), text);

/** Where the bytes are torn apart, in parts of the whole. */
export const splits = fc.oneof(
  { weight: 4, arbitrary: fc.constant<number[]>([]) },
  {
    weight: 2,
    arbitrary: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 5 }),
  },
);

export function torn(text: string, at: readonly number[]): string[] {
  const places = [...new Set(at.map((part) => Math.floor(part * text.length)))].toSorted((a, b) => a - b);
  return [0, ...places]
    .map((from, i) => text.slice(from, places[i] ?? text.length))
    .filter((one) => one !== '');
}

/** Header lines that are none, whichever way they go. */
export const brokenLines: readonly string[] = [
  'X-Nul: a\0b',
  'X-Ctl: a\x01b',
  'X-Del: \x7f',
  'X-Fold: a\r\n b',
  ' X-Lead: 1',
  'X Space: 1',
  'X-Space : 1',
  ': empty',
  'NoColon',
  'X-Lf: a\nX-In: b',
  'X-Cr: a\rX-In: b',
  'X-\xe9: 1',
  '(x): 1',
  '',
];
