import { isIPv4 } from 'node:net';

/** A header of version 1: of TCP, to 198.51.100.1 or ::1. */
export const proxyHeader1 = (source: string): Buffer =>
  Buffer.from(
    isIPv4(source)
      ? `PROXY TCP4 ${source} 198.51.100.1 56324 443\r\n`
      : `PROXY TCP6 ${source} ::1 56324 443\r\n`,
  );

type Options = { command?: number; kind?: number; more?: readonly Buffer[] };

/** A header of the PROXY protocol, version 2, written from its specification; by default of TCP, to 198.51.100.1 or ::1. */
export function proxyHeader2(source: string, { command = 0x21, kind, more = [] }: Options = {}): Buffer {
  const addresses =
    source === ''
      ? []
      : [source, isIPv4(source) ? '198.51.100.1' : '::1']
          .map(addressBytes)
          .concat(Buffer.from([0, 80, 1, 187]));
  const rest = Buffer.concat([...addresses, ...more]);
  const head = Buffer.from('0d0a0d0a000d0a515549540a00000000', 'hex');
  head[12] = command;
  head[13] = kind ?? (isIPv4(source) ? 0x11 : 0x21);
  head.writeUInt16BE(rest.length, 14);
  return Buffer.concat([head, rest]);
}

/** More that a header can tell: a type, and `length` bytes of it. */
export function tlv(type: number, length: number): Buffer {
  const bytes = Buffer.alloc(3 + length, 'x');
  bytes[0] = type;
  bytes.writeUInt16BE(length, 1);
  return bytes;
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [before = '', after = ''] = address.replace(/[\d.]+$/, hexOfIPv4).split('::');
  const missing = 8 - groups(before).length - groups(after).length;
  const all = [...groups(before), ...Array.from({ length: missing }, () => '0'), ...groups(after)];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

const hexOfIPv4 = (text: string): string =>
  isIPv4(text) ? addressBytes(text).toString('hex').replace(/^.{4}/, '$&:') : text;

const groups = (text: string) => text.split(':').filter((group) => group !== '');
