import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import t from 'tap';
import { parseProxyHeader, readProxyHeader } from '../../src/proxy/proxy-protocol.ts';
import { accepted, writePieces } from '../support/accepted.ts';
import { proxyHeader2, tlv } from '../support/proxy-header.ts';

const bytesOf = (text: string) => Buffer.from(text, 'latin1');
const code = (error: unknown) => (error as { code?: string }).code ?? String(error);

/** What becomes of these bytes, read whole: who it is from, and how many bytes are left. */
function read(bytes: Buffer): unknown {
  try {
    const judged = parseProxyHeader(bytes);
    return judged && [judged.found.own ? 'own' : judged.found.address, bytes.length - judged.used];
  } catch (error) {
    return code(error);
  }
}

const good: [name: string, header: Buffer, from: string | undefined][] = [
  ['1, IPv4', bytesOf('PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n'), '192.0.2.7'],
  ['1, IPv4, the extremes', bytesOf('PROXY TCP4 255.255.255.255 0.0.0.0 0 65535\r\n'), '255.255.255.255'],
  ['1, IPv6', bytesOf('PROXY TCP6 2001:DB8:0:0::7 ::1 56324 443\r\n'), '2001:db8::7'],
  [
    '1, IPv6 at its longest',
    bytesOf(`PROXY TCP6 ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`),
    `${'ffff:'.repeat(7)}ffff`,
  ],
  ['1, IPv4 in IPv6', bytesOf('PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n'), '192.0.2.7'],
  [
    '1, IPv4 in IPv6, in hexadecimal',
    bytesOf('PROXY TCP6 0:0:0:0:0:FFFF:C000:0207 ::1 1 2\r\n'),
    '192.0.2.7',
  ],
  ['1, unknown', bytesOf('PROXY UNKNOWN\r\n'), undefined],
  ['1, unknown, with more', bytesOf(`PROXY UNKNOWN ${'f'.repeat(91)}\r\n`), undefined],
  ['2, IPv4', proxyHeader2('192.0.2.7'), '192.0.2.7'],
  ['2, IPv6', proxyHeader2('2001:db8::7'), '2001:db8::7'],
  ['2, IPv4 in IPv6', proxyHeader2('::ffff:192.0.2.7'), '192.0.2.7'],
  [
    '2, with more told',
    proxyHeader2('192.0.2.7', { more: [tlv(4, 3), tlv(0x20, 2000), tlv(0xee, 0)] }),
    '192.0.2.7',
  ],
  ['2, as long as it may be', proxyHeader2('192.0.2.7', { more: [tlv(4, 8192 - 12 - 3)] }), '192.0.2.7'],
  ['2, unspecified', proxyHeader2('192.0.2.7', { kind: 0 }), undefined],
  ['2, unspecified, empty', proxyHeader2('', { kind: 0 }), undefined],
  ['2, UDP', proxyHeader2('192.0.2.7', { kind: 0x12 }), undefined],
  ['2, UNIX', proxyHeader2('', { kind: 0x31, more: [Buffer.alloc(216, 'x')] }), undefined],
  ['2, the proxy itself', proxyHeader2('', { command: 0x20, kind: 0 }), 'own'],
  ['2, the proxy itself, with an address', proxyHeader2('192.0.2.7', { command: 0x20 }), 'own'],
];

await t.test('who a connection is from', async (t) => {
  for (const [name, header, from] of good) {
    t.same(read(header), [from, 0], name);
    t.same(
      read(Buffer.concat([header, bytesOf('PROXY GET / \r\n')])),
      [from, 14],
      `${name}, and what follows stays`,
    );
    for (let i = 1; i < header.length; i += Math.ceil(i / 300))
      if (read(header.subarray(0, i)) !== undefined) t.fail(`${name}: decided at ${i} of ${header.length}`);
  }
});

/** Where a byte makes all that could follow it of no use. */
const bad: [name: string, header: Buffer][] = [
  ...[
    'GET / HTTP/1.1\r\n',
    'G',
    'proxy TCP4 192.0.2.7 192.0.2.8 1 2\r\n',
    'PROXY\r\n',
    'PROXY \r\n',
    'PROXY TCP4\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.8 1\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.8 1 2 3\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.8 1 2 \r\n',
    'PROXY  TCP4 192.0.2.7 192.0.2.8 1 2\r\n',
    'PROXY TCP4 192.0.2.7  192.0.2.8 1 2\r\n',
    'PROXY\tTCP4 192.0.2.7 192.0.2.8 1 2\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.8 1 2\n',
    'PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\r\n',
    'PROXY TCP4 192.0.2.7\r192.0.2.8 1 2\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.8\n 1 2\r\n',
    'PROXY TCP4 192.0.2 192.0.2.8 1 2\r\n',
    'PROXY TCP4 192.0.2.256 192.0.2.8 1 2\r\n',
    'PROXY TCP4 192.0.2.07 192.0.2.8 1 2\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.8 01 2\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.8 1 65536\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.8 -1 2\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.8 0x1 2\r\n',
    'PROXY TCP4 192.0.2.7 2001:db8::7 1 2\r\n',
    'PROXY TCP4 2001:db8::7 2001:db8::8 1 2\r\n',
    'PROXY TCP6 192.0.2.7 192.0.2.8 1 2\r\n',
    'PROXY TCP6 ::ffff:192.0.2.7 192.0.2.8 1 2\r\n',
    'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n',
    'PROXY TCP6 2001::db8::7 ::1 1 2\r\n',
    'PROXY TCP5 192.0.2.7 192.0.2.8 1 2\r\n',
    'PROXY UDP4 192.0.2.7 192.0.2.8 1 2\r\n',
    'PROXY UNKNOWNS\r\n',
    'PROXY UNKNOWN\n',
    'PROXY UNKNOWN a\rb\r\n',
    'PROXY unknown\r\n',
    `PROXY UNKNOWN ${'f'.repeat(92)}\r\n`,
    `PROXY UNKNOWN ${'f'.repeat(93)}`,
    'PROXY TCP4 \u0661.0.2.7 192.0.2.8 1 2\r\n',
    '\r\nPROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\n',
    '\r\n\r\nGET / HTTP/1.1\r\n',
    '\r\n\r\n\0\r\nQUIT\r\n',
    '\x16\x03\x01',
  ].map((text): [string, Buffer] => [JSON.stringify(text), bytesOf(text)]),
  ['version 1 in binary', proxyHeader2('192.0.2.7', { command: 0x11 })],
  ['version 3', proxyHeader2('192.0.2.7', { command: 0x31 })],
  ['an unknown command', proxyHeader2('192.0.2.7', { command: 0x22 })],
  ['an unknown family', proxyHeader2('192.0.2.7', { kind: 0x41 })],
  ['an unknown protocol', proxyHeader2('192.0.2.7', { kind: 0x13 })],
  ['IPv4 without room for it', proxyHeader2('', { kind: 0x11, more: [Buffer.alloc(11)] })],
  ['IPv6 in the room of IPv4', proxyHeader2('192.0.2.7', { kind: 0x21 })],
  ['more that is cut', proxyHeader2('192.0.2.7', { more: [tlv(4, 9).subarray(0, -1)] })],
  ['more that is too short to be any', proxyHeader2('192.0.2.7', { more: [Buffer.alloc(2)] })],
  ['longer than it may be', proxyHeader2('192.0.2.7', { more: [tlv(4, 8192 - 12 - 2)] }).subarray(0, 16)],
  ['as long as can be told', proxyHeader2('', { kind: 0, more: [Buffer.alloc(65_535)] }).subarray(0, 16)],
];

await t.test('whatever is not to the letter is refused', async (t) => {
  for (const [name, header] of bad) t.equal(read(header), 'bad_proxy_header', name);
});

/** The same, with so many bytes fewer behind it. */
const lessBehind = (judged: unknown, bytes: number): unknown =>
  Array.isArray(judged) ? [judged[0], Number(judged[1]) - bytes] : judged;

await t.test('whatever comes is decided within bounds, and no tear changes what it is', async (t) => {
  const piece = fc.oneof(
    fc.constantFrom(...[...good, ...bad].map(([, header]) => header)),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  );
  const damage = fc.record({ at: fc.nat(60), byte: fc.nat(255) });
  const holds = fc.property(
    fc.array(piece, { maxLength: 3 }),
    fc.array(damage, { maxLength: 2 }),
    (pieces, damages) => {
      const bytes = Buffer.concat([...pieces, Buffer.alloc(1)]);
      for (const { at, byte } of damages) if (at < bytes.length) bytes[at] = byte;
      const whole = read(bytes);
      if (whole === undefined) return bytes.length < 16 + 8192;
      for (let length = 1; length < Math.min(bytes.length, 300); length += 1) {
        const part = read(bytes.subarray(0, length));
        if (part !== undefined) return isDeepStrictEqual(part, lessBehind(whole, bytes.length - length));
      }
      return true;
    },
  );
  t.doesNotThrow(() => fc.assert(holds, { numRuns: 3000 }));
});

await t.test('a connection is left with what follows the header, in whatever pieces it comes', async (t) => {
  for (const [name, header, from] of good) {
    const { client, socket } = await accepted(t);
    const found = readProxyHeader(socket, 5000);
    const step = Math.max(1, Math.ceil(header.length / 20));
    const pieces: Buffer[] = [];
    for (let at = 0; at < header.length; at += step) pieces.push(header.subarray(at, at + step));
    await writePieces(client, [...pieces, 'GET /']);
    t.same(
      await found,
      from === 'own' ? { address: undefined, own: true } : { address: from, own: false },
      name,
    );
    t.equal(String(socket.read()), 'GET /', `${name}, and what follows`);
  }
});

await t.test('a connection without one can be told so: nothing of it is lost', async (t) => {
  const { client, socket } = await accepted(t);
  await writePieces(client, ['GET / HTTP/1.1\r\n']);
  t.equal(await readProxyHeader(socket, 5000).catch(code), 'bad_proxy_header');
  t.equal(String(socket.read()), 'GET / HTTP/1.1\r\n');
  const silent = await accepted(t);
  t.equal(await readProxyHeader(silent.socket, 50).catch(code), 'head_timeout');
  const partial = await accepted(t);
  partial.client.end('PROXY TCP4 192.0.2.7');
  t.equal(await readProxyHeader(partial.socket, 5000).catch(code), 'client_closed');
});
