import {
  dropsFields,
  each,
  inOrder,
  refusesBytes,
  refusesFields,
  withBody,
  withFields,
  withPseudo,
} from './behaviour.ts';
import { chunkExtensions, lengthsAgree, neverCompletes, padded } from './lengths.ts';

/** Framing of requests, as far as it is a matter of what is refused: 1 to 16. */
const head = (...lines: string[]) => ['GET /fact/ HTTP/1.1', 'Host: a', ...lines, '', ''].join('\r\n');
const post = (...lines: string[]) => head(...lines).replace('GET', 'POST') + hidden;
/** What the attacker wants the upstream to take for the next client's request. */
const hidden = '0\r\n\r\nGET /admin HTTP/1.1\r\nX-Rest: ';

const controls = Array.from({ length: 32 }, (_, code) => String.fromCharCode(code))
  .concat('\x7f')
  .filter((one) => !'\t\r\n'.includes(one));

const lengths = ['+5', '-1', '0x5', '5,5', '5, 5', '5 5', '5.0', '', '18446744073709551621'];
const codings = [
  'xchunked',
  'identity',
  'gzip',
  'gzip, chunked',
  'chunked, identity',
  'chunked;q=1',
  '"chunked"',
];
const hosts = [
  'a b',
  'a/b',
  'a?b',
  'a#b',
  'user:pw@a',
  'http://a',
  'a\\b',
  'a:-1',
  'a:8o',
  ':a',
  '[::1',
  '::1',
];
const names = ['bad name', 'bad(name)', 'bad/name', 'caf\xe9', 'a\x00b', '', 'a:b'];

/** What separates lines in HTTP/1.1, in every place of a head in HTTP/2 where it would be read as one there. */
const within = (sign: string) =>
  inOrder(
    dropsFields([
      withFields(['x-a', `1${sign}transfer-encoding: chunked`]),
      withFields(['x-a', `1${sign}${sign}GET /admin HTTP/1.1`]),
      withFields(['x-a', sign]),
      withFields([`x-a${sign}x-b`, '1']),
    ]),
    refusesFields(400, [
      withPseudo(':path', `/fact/${sign}x`),
      withPseudo(':path', `/fact/ HTTP/1.1${sign}x-a: 1`),
      withPseudo(':authority', `a${sign}x-a: 1`),
      withPseudo(':method', `GET${sign}x`),
    ]),
  );

export const framing = [
  each(
    1,
    'Content-Length with Transfer-Encoding: refused, 400',
    refusesBytes(400, [
      post('Content-Length: 5', 'Transfer-Encoding: chunked'),
      post('Transfer-Encoding: chunked', 'Content-Length: 0'),
      post('Content-Length: 5', 'Transfer-Encoding: identity'),
    ]),
    // RFC 9113 §8.2.2: what frames HTTP/1.1 makes a request of HTTP/2 malformed; passed on it would frame again.
    refusesFields(400, [
      withBody(withFields(['content-length', '5'], ['transfer-encoding', 'chunked']), hidden),
      withBody(withFields(['transfer-encoding', 'chunked'], ['content-length', `${hidden.length}`]), hidden),
      withFields(['content-length', '0'], ['transfer-encoding', 'identity']),
    ]),
  ),
  each(
    2,
    'Two Content-Lengths: refused, 400',
    refusesBytes(400, [
      post('Content-Length: 4', 'X-A: 1', 'content-length: 40'),
      post('Content-Length: 4', 'Content-Length: 4'),
      post('Content-Length: 4', 'Content-Length:'),
    ]),
    refusesFields(400, [
      withBody(withFields(['content-length', '4'], ['content-length', '40']), 'body'),
      withBody(withFields(['content-length', '4'], ['x-a', '1'], ['content-length', '4']), 'body'),
      withBody(withFields(['content-length', '4'], ['content-length', '']), 'body'),
    ]),
  ),
  each(
    3,
    'A Content-Length that is not digits alone (`+5`, `-1`, `0x5`, `5,5`): refused, 400',
    refusesBytes(
      400,
      [...lengths, '5\x00'].map((length) => post(`Content-Length: ${length}`)),
    ),
    refusesFields(
      400,
      lengths.map((length) => withBody(withFields(['content-length', length]), '12345')),
    ),
  ),
  each(
    4,
    'A Transfer-Encoding other than exactly `chunked`: refused, 400',
    refusesBytes(
      [400, 501],
      codings.map((coding) => post(`Transfer-Encoding: ${coding}`)),
    ),
    refusesFields(
      400,
      [...codings, 'chunked'].map((coding) => withBody(withFields(['transfer-encoding', coding]), hidden)),
    ),
  ),
  each(
    5,
    'An empty Transfer-Encoding: refused, 400',
    refusesBytes(400, [
      post('Transfer-Encoding:'),
      post('Transfer-Encoding: \t'),
      post('Transfer-Encoding: ,'),
    ]),
    refusesFields(400, [
      withFields(['transfer-encoding', '']),
      withBody(withFields(['transfer-encoding', ',']), hidden),
    ]),
  ),
  each(
    6,
    'Transfer-Encoding in HTTP/1.0: refused',
    refusesBytes(
      [400, 501],
      [post('Transfer-Encoding: chunked'), post('Transfer-Encoding: identity')].map((bytes) =>
        bytes.replace('HTTP/1.1', 'HTTP/1.0'),
      ),
    ),
    'HTTP/2 has no older minor version that would not know a coding, and refuses every coding (4).',
  ),
  each(
    7,
    'A bare LF: refused, 400',
    refusesBytes(400, [
      'GET /fact/ HTTP/1.1\nHost: a\r\n\r\n',
      'GET /fact/ HTTP/1.1\r\nHost: a\n\r\n',
      'GET /fact/ HTTP/1.1\r\nHost: a\r\n\n',
      head('X-A: 1\nTransfer-Encoding: chunked'),
      head('X-A\n: 1'),
      head().replace('/fact/', '/fact/\n'),
    ]),
    within('\n'),
  ),
  each(
    8,
    'A bare CR: refused, 400',
    refusesBytes(400, [
      'GET /fact/ HTTP/1.1\rHost: a\r\n\r\n',
      'GET /fact/ HTTP/1.1\r\nHost: a\r\r\n\r\n',
      head('X-A: 1\rTransfer-Encoding: chunked'),
      head('X-A: a\rb'),
      head().replace('/fact/', '/fact/\rx'),
    ]),
    within('\r'),
  ),
  each(
    9,
    'NUL and other control bytes: refused, 400',
    refusesBytes(
      400,
      controls.flatMap((byte) => [head(`X-A: a${byte}b`), head().replace('/fact/', `/fact/${byte}x`)]),
    ),
    inOrder(
      dropsFields(controls.map((byte) => withFields(['x-a', `a${byte}b`]))),
      refusesFields(
        400,
        controls.flatMap((byte) => [
          withPseudo(':path', `/fact/${byte}x`),
          withPseudo(':authority', `client${byte}.example`),
        ]),
      ),
    ),
  ),
  each(
    10,
    'A folded header line: refused, 400',
    refusesBytes(400, [
      head('X-A: a', ' b'),
      head('X-A: a', '\tTransfer-Encoding: chunked'),
      head(' X-A: a'),
    ]),
    // HTTP/2 has no lines, and so none to fold: what would be a fold further on does not get there.
    dropsFields([withFields(['x-a', 'a\r\n b']), withFields(['x-a', '\r\n\tb'])]),
  ),
  each(
    11,
    'A blank before the colon: refused, 400',
    refusesBytes(400, [head('Transfer-Encoding : chunked'), head('Content-Length\t: 5'), head('X-A : a')]),
    dropsFields([
      withFields(['transfer-encoding ', 'chunked']),
      withFields(['content-length\t', '5']),
      withFields(['x-a ', 'a']),
      withFields([' x-a', 'a']),
    ]),
  ),
  each(
    12,
    'A header name that is no token: refused, 400',
    refusesBytes(
      400,
      names.map((name) => head(`${name === 'a:b' ? 'no colon' : name}: 1`)).concat(head('NoColon')),
    ),
    inOrder(
      dropsFields(names.map((name) => withFields([name, '1']))),
      // Upper case is no name of HTTP/2 (RFC 9113 §8.2.1).
      refusesFields(
        400,
        ['X-A', 'Content-Length'].map((name) => withFields([name, '1'])),
      ),
    ),
  ),
  each(
    13,
    'A bad, signed or overflowing chunk size: 400 or a cut, and never a complete request upstream',
    neverCompletes,
    // Frames have a size of their own; what can be wrong is their sum.
    lengthsAgree,
  ),
  each(14, 'Chunk extensions are bounded, and go no further', chunkExtensions, padded),
  each(
    15,
    'Host missing in HTTP/1.1, or repeated: refused, 400',
    refusesBytes(400, [
      'GET /fact/ HTTP/1.1\r\n\r\n',
      head('Host: b'),
      head('Host: a'),
      head('X-A: 1', 'host:'),
      'GET http://a/fact/ HTTP/1.1\r\n\r\n',
    ]),
    // `:authority` is the Host, and a Host beside it must not differ (RFC 9113 §8.3.1).
    refusesFields(400, [
      withPseudo(':authority', undefined),
      withFields(['host', 'other.example']),
      withFields(['host', 'client.example'], ['host', 'client.example']),
      withFields(['host', '']),
      withFields([':authority', 'client.example']),
      { fields: [...withPseudo(':authority', undefined).fields, ['host', 'a'], ['host', 'b']] },
    ]),
  ),
  each(
    16,
    'Host malformed: refused, 400',
    refusesBytes(
      400,
      hosts.map((host) => head().replace('Host: a', `Host: ${host}`)),
    ),
    refusesFields(
      400,
      hosts.flatMap((host) => [
        withPseudo(':authority', host),
        { fields: [...withPseudo(':authority', undefined).fields, ['host', host] as const] },
      ]),
    ),
  ),
];
