import { isIPv4, isIPv6, SocketAddress, type Socket } from 'node:net';
import { ProxyError } from './errors.ts';
import { firstBytes, type Judgement } from './first-bytes.ts';

/** Whom a proxy in front says a connection is from. */
export type ProxyHeader = {
  /** The client's address; undefined when the proxy does not know it, or when there is no client. */
  address: string | undefined;
  /** Whether the connection is the proxy's own, such as a look whether we are up. */
  own: boolean;
};

/** The longest line of version 1, with its end. */
const longestLine = 107;
/** Bytes behind the first sixteen of version 2. What load balancers say of a connection is some hundreds, a client's certificate included some thousands. */
const longestRest = 8192;

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const word = Buffer.from('PROXY ');

/**
 * Reads the header of the PROXY protocol, version 1 or 2, and leaves the connection with what follows it. Rejects as
 * `firstBytes` does, and with `bad_proxy_header` for any byte that the protocol does not have
 * (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt).
 */
export const readProxyHeader = (socket: Socket, within: number): Promise<ProxyHeader> =>
  firstBytes(socket, parseProxyHeader, within);

/** Undefined when more bytes are needed. Throws `bad_proxy_header` as soon as no byte could mend it. */
export function parseProxyHeader(bytes: Buffer): Judgement<ProxyHeader> | undefined {
  return bytes[0] === signature[0] ? binary(bytes) : line(bytes);
}

function line(bytes: Buffer): Judgement<ProxyHeader> | undefined {
  if (!beginsAs(bytes, word)) throw malformed();
  const end = bytes.subarray(0, longestLine).indexOf('\n');
  if (end === -1 && bytes.length < longestLine) return undefined;
  const text = bytes.toString('latin1', 0, end + 1);
  const used = end + 1;
  if (/^PROXY UNKNOWN( [^\r\n]*)?\r\n$/.test(text)) return { found: unknown, used };
  const [, family, source = '', destination = '', ...ports] = addresses.exec(text) ?? [];
  const isAddress = family === '4' ? isIPv4 : isAddress6;
  if (!isAddress(source) || !isAddress(destination) || !ports.every(isPort)) throw malformed();
  return { found: from(source), used };
}

const addresses = /^PROXY TCP([46]) ([\da-fA-F.:]+) ([\da-fA-F.:]+) (\d{1,5}) (\d{1,5})\r\n$/;

const isAddress6 = (text: string) => isIPv6(text) && !isIPv4(text);
const isPort = (text: string) => /^(0|[1-9]\d*)$/.test(text) && Number(text) < 65_536;

function binary(bytes: Buffer): Judgement<ProxyHeader> | undefined {
  if (!beginsAs(bytes, signature)) throw malformed();
  if (bytes.length < 16) return undefined;
  const command = bytes[12] as number;
  const kind = bytes[13] as number;
  const length = bytes.readUInt16BE(14);
  // Version 2, LOCAL or PROXY; of families there are four, of protocols three.
  if ((command & 0xfe) !== 0x20 || kind >> 4 > 3 || (kind & 15) > 2 || length > longestRest)
    throw malformed();
  const used = 16 + length;
  if (bytes.length < used) return undefined;
  if (command === 0x20) return { found: { address: undefined, own: true }, used };
  const rest = bytes.subarray(16, used);
  const size = sizes[kind];
  if (size === undefined) return { found: unknown, used };
  if (!isWhole(rest, 2 * (size + 2))) throw malformed();
  return { found: from(textOf(rest.subarray(0, size))), used };
}

/** Bytes of an address, by what is said to be carried: TCP over IPv4 and over IPv6. Of all else there is no address to have. */
const sizes: Readonly<Record<number, number | undefined>> = { 0x11: 4, 0x21: 16 };

/** Whether `rest` is addresses of `start` bytes, then whole pieces of a type, a length and a value. */
function isWhole(rest: Buffer, start: number): boolean {
  let at = start;
  while (at + 3 <= rest.length) at += 3 + rest.readUInt16BE(at + 1);
  return at === rest.length;
}

const textOf = (address: Buffer): string =>
  address.length === 4 ? address.join('.') : (address.toString('hex').match(/.{4}/g) as string[]).join(':');

const unknown: ProxyHeader = { address: undefined, own: false };

/** As a socket would name it, and IPv4 in IPv6's clothes as IPv4. */
function from(address: string): ProxyHeader {
  if (isIPv4(address)) return { address, own: false };
  const named = new SocketAddress({ address, family: 'ipv6' }).address;
  return { address: named.replace(/^::ffff:(?=\d+\.)/, ''), own: false };
}

/** Whether these bytes can become, or are, such a beginning. */
function beginsAs(bytes: Buffer, beginning: Buffer): boolean {
  const length = Math.min(bytes.length, beginning.length);
  return beginning.compare(bytes, 0, length, 0, length) === 0;
}

const malformed = () => new ProxyError('bad_proxy_header');
