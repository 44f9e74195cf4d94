import { METHODS } from 'node:http';
import { Incomplete, Malformed, MessageReader, type Framing, type Header } from './message-reader.ts';

/** A request as its sender meant it. */
export type ReadRequest = {
  method: string;
  target: string;
  minor: number;
  headers: Header[];
  framing: Framing;
  body: string;
  trailers: Header[];
  /** Why a strict recipient may refuse it; one without any must be served. */
  quirks: ReadonlySet<string>;
  /** Why it must not be served, although it is clear where it ends. */
  refused: string | undefined;
  /** Whether the sender wants the connection to end with it. */
  last: boolean;
  /** Whether it asks for a tunnel: nothing after it is HTTP. */
  tunnel: boolean;
};

/** `request` is what there is of it, once its head is complete. */
export type RequestReading =
  | { kind: 'complete'; request: ReadRequest; next: number }
  | { kind: 'incomplete' | 'malformed'; why: string; request: ReadRequest | undefined };

export function readRequest(text: string, at = 0): RequestReading {
  const reader = new MessageReader(text, at);
  let request: ReadRequest | undefined;
  try {
    const { length, ...head } = readHead(reader);
    request = head;
    if (head.framing === 'length') reader.sizedBody(length);
    else if (head.framing === 'chunked') reader.chunkedBody();
    return { kind: 'complete', request: { ...head, ...rest(reader) }, next: reader.at };
  } catch (error) {
    if (!(error instanceof Incomplete || error instanceof Malformed)) throw error;
    const kind = error instanceof Malformed ? 'malformed' : 'incomplete';
    return { kind, why: error.message, request: request && { ...request, ...rest(reader) } };
  }
}

const rest = ({ body, trailers }: MessageReader) => ({ body, trailers });

function readHead(reader: MessageReader): ReadRequest & { length: number } {
  const { quirks } = reader;
  const start = reader.at;
  // Empty lines are passed over (RFC 9112 §2.2), which nobody else gets to see; Node takes any CR and LF for one.
  while (/[\r\n]/.test(reader.text[reader.at] ?? '')) {
    reader.at += 1;
    quirks.add('an empty line first');
  }
  const line = reader.line();
  const [, method, target, digit] =
    /^([!#$%&'*+.^_`|~\dA-Za-z-]+) +([\x21-\x7e\x80-\xff]+) +HTTP\/1\.([01])$/.exec(line) ?? [];
  if (method === undefined || target === undefined) throw new Malformed(`a request line: ${line}`);
  // RFC 9112 §3 allows it, Node does it, and what goes on is written anew.
  if (line.includes('  ')) quirks.add('more blanks than one');
  const minor = Number(digit);
  reader.headers = reader.fields();
  // Blanks may stand behind a value (RFC 9110 §5.5); behind this one, Node takes spaces alone.
  if (/\ncontent-length:[\t ]*\d+ *\t/i.test(reader.text.slice(start, reader.at)))
    quirks.add('a tab behind a length');
  if (method === 'CONNECT' || !METHODS.includes(method)) quirks.add('a method not served');
  if (reader.headers.length > 90 || reader.at - start > 12_000) quirks.add('a long head');

  if (target === '*' && method !== 'OPTIONS') quirks.add('an odd target');
  const refused = readHosts(reader, minor, target);
  if (refused !== undefined) quirks.add(refused);
  const { framing, length } = reader.framing(minor);
  const connection = reader.tokens('connection');
  const upgrades = reader.values('upgrade');
  // RFC 9110 §7.8: in HTTP/1.0 it is to be ignored.
  const upgrading = minor === 1 && upgrades.length > 0 && connection.includes('upgrade');
  const tunnel = upgrading && method === 'GET' && upgrades.join().toLowerCase() === 'websocket';
  // Where a tunnel would begin is not for two readers to guess.
  if (tunnel && (framing === 'chunked' || length > 0)) throw new Malformed('a tunnel behind a body');
  if (upgrades.length > 0) quirks.add('an upgrade');
  if (connection.includes('close') && connection.includes('keep-alive')) quirks.add('of two minds');
  if (reader.values('proxy-connection').length > 0) quirks.add('Proxy-Connection');
  // Node, as others, takes the one for the other.
  const persistence = new Set([...connection, ...reader.tokens('proxy-connection')]);
  const last = minor === 1 ? persistence.has('close') : !persistence.has('keep-alive');
  const { headers } = reader;
  return {
    method,
    target,
    minor,
    headers,
    framing,
    length,
    body: '',
    trailers: [],
    quirks,
    refused,
    last,
    tunnel,
  };
}

const host = String.raw`(?:\[[\da-fA-F:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?`;
const usualHost = /^(\[[\da-f:]+\]|[a-z\d.-]+)(:\d{1,5})?$/;
const usualTarget =
  /^(http:\/\/[a-z\d.-]+(:\d+)?(?=[/?]|$))?(\/[^"#<>[\]\\^`{|}\x80-\xff]*)?(\?[^"#<>[\]\\^`{|}\x80-\xff]*)?$/;

/** RFC 9112 §3.2. */
function readHosts(reader: MessageReader, minor: number, target: string): string | undefined {
  const hosts = reader.values('host');
  if (hosts.length > 1 || hosts.length < minor) return 'a Host missing or repeated';
  const authority = /^https?:\/\/([^/?#]*)/i.exec(target)?.[1];
  for (const one of [...hosts, ...(authority === undefined ? [] : [authority])]) {
    if (!new RegExp(`^${host}$`).test(one)) return `a host: ${one}`;
    if (!usualHost.test(one)) reader.quirks.add('an odd host');
  }
  const usual = target === '*' || (/^[h/]/.test(target) && usualTarget.test(target));
  if (!usual || target.length > 7000) reader.quirks.add('an odd target');
  return undefined;
}

/** All requests that a client's bytes hold, and how they go on after the last whole one. */
export type Conversation = {
  requests: ReadRequest[];
  /** What follows them, unless they end with the bytes. */
  afterwards: Exclude<RequestReading, { kind: 'complete' }> | undefined;
  /** Bytes behind a request for a tunnel. */
  tunnelled: string;
};

export function readConversation(text: string): Conversation {
  const requests: ReadRequest[] = [];
  let at = 0;
  while (at < text.length) {
    const reading = readRequest(text, at);
    if (reading.kind !== 'complete') return { requests, afterwards: reading, tunnelled: '' };
    at = reading.next;
    requests.push(reading.request);
    if (reading.request.tunnel) return { requests, afterwards: undefined, tunnelled: text.slice(at) };
    if (!reading.request.last || at === text.length) continue;
    const quirks = new Set([...reading.request.quirks, 'more behind the last request']);
    requests.splice(-1, 1, { ...reading.request, quirks });
    break;
  }
  return { requests, afterwards: undefined, tunnelled: '' };
}
