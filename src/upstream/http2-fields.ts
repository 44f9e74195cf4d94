import { createHash } from 'node:crypto';
import type { RequestBody, RequestHead } from './exchange.ts';

/** The fields of an HTTP/2 message, by name in lower case, as Node takes them. */
export type Fields = Record<string, string | string[]>;

/** What HTTP/2 says in other ways, or does not have (RFC 9113 §8.2.2). */
const ofConnections = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** A request's head in HTTP/2's words. A tunnel is asked for by extended CONNECT (RFC 8441). */
export function requestFields(head: RequestHead, body: RequestBody | undefined, scheme: string): Fields {
  const tunnel = body?.framing === 'tunnel';
  const fields: Fields = Object.create(null);
  fields[':method'] = tunnel ? 'CONNECT' : head.method;
  if (tunnel) fields[':protocol'] = body.protocol ?? '';
  fields[':scheme'] = scheme;
  fields[':path'] = head.path;
  for (let i = 0; i + 1 < head.headers.length; i += 2) {
    const name = (head.headers[i] as string).toLowerCase();
    if (name === 'host') fields[':authority'] = head.headers[i + 1] as string;
    // Its answer is in the status.
    else if (!ofConnections.has(name) && !(tunnel && name === 'sec-websocket-key'))
      add(fields, name, head.headers[i + 1] as string);
  }
  return fields;
}

/** A list as HTTP/2 has it: names in lower case, repeats in order. */
export function fieldsOf(list: readonly string[]): Fields {
  const fields: Fields = Object.create(null);
  for (let i = 0; i + 1 < list.length; i += 2)
    add(fields, (list[i] as string).toLowerCase(), list[i + 1] as string);
  return fields;
}

function add(fields: Fields, name: string, value: string): void {
  const before = fields[name];
  if (before === undefined) fields[name] = value;
  else if (typeof before === 'string') fields[name] = [before, value];
  else before.push(value);
}

/** Every field once: its values in one line (RFC 9110 §5.3), for where Node knows of a name that it has one value. */
export function joined(fields: Fields): Fields {
  for (const [name, value] of Object.entries(fields))
    if (typeof value !== 'string') fields[name] = value.join(name === 'cookie' ? '; ' : ', ');
  return fields;
}

/** The head of an answer that agrees to a tunnel, as HTTP/1.1 has it. */
export function tunnelHeaders(raw: readonly string[], { headers }: RequestHead, protocol: string): string[] {
  const list = [...raw, 'Connection', 'Upgrade', 'Upgrade', protocol];
  const at = headers.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === 'sec-websocket-key');
  if (at >= 0) list.push('Sec-WebSocket-Accept', acceptOf(headers[at + 1] as string));
  return list;
}

/** What a server makes of a client's Sec-WebSocket-Key (RFC 6455 §4.2.2). */
export const acceptOf = (key: string): string =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
