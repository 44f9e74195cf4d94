import type { IncomingHttpHeaders } from 'node:http';
import { fieldsOf, type Fields } from '../upstream/http2-fields.ts';

/** The head of a request of HTTP/2, in HTTP/1.1's words. */
export type Http2Head = {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  rawHeaders: string[];
  /** What an extended CONNECT asks for (RFC 8441 §4). */
  protocol: string | undefined;
  /** Bytes, as HTTP/1.1 would have taken. */
  size: number;
};

/** Node's record of a head. */
export type PseudoHeaders = IncomingHttpHeaders & {
  [name in ':method' | ':path' | ':authority' | ':protocol']?: string | undefined;
};

/** Bytes of a line of HTTP/1.1 around a name and a value. */
const lineOverhead = 4;

/**
 * Translates a head (RFC 9113 §8.3.1). `raw` alternates names and values as they came, pseudo-headers among them, and `headers`
 * is Node's record of the same, which becomes the record of the translation. `ended` when no body follows. A request that names
 * two hosts has two Hosts.
 */
export function http1Words(raw: readonly string[], headers: PseudoHeaders, ended: boolean): Http2Head {
  const {
    ':method': method = '',
    ':path': path = '',
    ':authority': authority,
    ':protocol': protocol,
  } = headers;
  const rawHeaders = authority === undefined ? [] : ['Host', authority];
  let cookie = -1;
  let size = 0;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    size += name.length + value.length + lineOverhead;
    if (name.startsWith(':')) continue;
    // A tunnel is asked for with a key of ours: with two, an upstream's agreement fits one at best.
    if (protocol !== undefined && name === 'sec-websocket-key') continue;
    if (name === 'host' && value.toLowerCase() === authority?.toLowerCase()) continue;
    if (name === 'cookie' && cookie >= 0) {
      // Sent in crumbs, so that those that stay the same compress (RFC 9113 §8.2.3).
      rawHeaders[cookie] = `${rawHeaders[cookie] ?? ''}; ${value}`;
    } else {
      rawHeaders.push(name, value);
      if (name === 'cookie') cookie = rawHeaders.length - 1;
    }
  }
  if (authority !== undefined) headers.host = authority;
  if (!ended && headers['content-length'] === undefined && method !== 'CONNECT') {
    rawHeaders.push('Transfer-Encoding', 'chunked');
    headers['transfer-encoding'] = 'chunked';
  }
  return {
    method: method,
    url: path,
    headers,
    rawHeaders,
    protocol,
    size,
  };
}

/** Names that Node takes one value of; several of such a header say the same as one with commas (RFC 9110 §5.3). */
const single: ReadonlySet<string> = new Set([
  'access-control-allow-credentials',
  'access-control-max-age',
  'access-control-request-method',
  'age',
  'authorization',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-md5',
  'content-range',
  'content-type',
  'date',
  'dnt',
  'etag',
  'expires',
  'from',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'range',
  'referer',
  'retry-after',
  'tk',
  'upgrade-insecure-requests',
  'user-agent',
  'x-content-type-options',
]);

/** A list as HTTP/2 has it: names in lower case, repeats in order. */
export function http2Fields(list: readonly string[]): Fields {
  const fields = fieldsOf(list);
  for (const name in fields) {
    const value = fields[name];
    if (typeof value === 'object' && single.has(name)) fields[name] = value.join(', ');
  }
  return fields;
}
