import { STATUS_CODES } from 'node:http';
import type { HeaderList } from './headers.ts';
import { mayBeOneOf } from './name-filter.ts';

/** What decides how an answer of HTTP/1.1 is framed and whether its connection lasts. */
export type Framed = {
  /** Whether a body can follow. */
  hasBody: boolean;
  /** Whether the client knows of chunks. */
  takesChunks: boolean;
  /** Whether it may ask more on this connection, and the milliseconds it has for that. */
  keepAlive: boolean;
  keepAliveTimeout: number;
};

/** A head, and what it says of itself. */
export type Head = { text: string; chunked: boolean; last: boolean };

const mayTell = mayBeOneOf(['connection', 'content-length', 'date']);
/** Whatever would end a field, or not be seen in it (RFC 9110 §5.5). */
const unfit = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * The head of an answer (RFC 9112 §4, §6.3, §9.3), of which the list says no Transfer-Encoding, and of Connection `close` alone. Without a
 * length, a body is in chunks, or ends with the connection. Throws a TypeError for what cannot stand in a field.
 */
export function answerHead(status: number, reason: string, list: Readonly<HeaderList>, framed: Framed): Head {
  let text = statusLine(status, reason);
  let [sized, dated, close] = [false, false, false];
  for (let i = 0; i + 1 < list.length; i += 2) {
    const name = list[i] as string;
    const value = list[i + 1] as string;
    if (unfit.test(value)) throw new TypeError(`a value that cannot stand in a header, of ${name}`);
    if (mayTell(name)) {
      const lower = name.toLowerCase();
      if (lower === 'content-length') sized = true;
      else if (lower === 'date') dated = true;
      else if (lower === 'connection') close = true;
    }
    text += `${name}: ${value}\r\n`;
  }
  if (!dated) text += date();
  const { hasBody, takesChunks } = framed;
  // An old client finds the end of such a body at the end of the connection.
  const kept = framed.keepAlive && !close && (sized || takesChunks);
  if (kept) text += keepAlive(framed.keepAliveTimeout);
  else if (!close) text += 'Connection: close\r\n';
  const chunked = hasBody && !sized && takesChunks;
  return {
    text: chunked ? `${text}Transfer-Encoding: chunked\r\n\r\n` : `${text}\r\n`,
    chunked,
    last: !kept,
  };
}

function statusLine(status: number, reason: string): string {
  if (reason === 'OK' && status === 200) return 'HTTP/1.1 200 OK\r\n';
  if (unfit.test(reason)) throw new TypeError('a reason phrase that cannot stand in a status line');
  return `HTTP/1.1 ${status} ${reason}\r\n`;
}

export const reasonOf = (status: number): string => STATUS_CODES[status] ?? 'unknown';

/** What is said for as long as it is true. */
function said<T>(write: (of: T) => string): (of: T) => string {
  let last: { of: T; text: string } | undefined;
  return (of) => {
    if (last?.of !== of) last = { of, text: write(of) };
    return last.text;
  };
}

const keepAlive = said(
  (ms: number) => `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(ms / 1000)}\r\n`,
);

const dateAt = said((second: number) => `Date: ${new Date(second * 1000).toUTCString()}\r\n`);
const date = () => dateAt(Math.floor(Date.now() / 1000));
