import { UpstreamError } from './failure.ts';
import { readFieldLine } from './field-line.ts';

/** What of the request decides how its answer is framed. */
export type Asked = { method: string; protocol: string | undefined };

/**
 * How the body of an answer is framed, and whether its connection lasts. `length` is what a sized body has, Infinity
 * where the end of the connection is its end.
 */
export type Framing = {
  body: 'none' | 'sized' | 'chunked' | 'until close' | 'tunnel';
  length: number;
  keepAlive: boolean;
};

/** The head of one answer, read line by line. What is malformed or doubtful throws an UpstreamError. */
export class ResponseHead {
  status = 0;
  reasonPhrase = '';
  readonly headers: string[] = [];
  /** Seconds the upstream says it keeps an idle connection. */
  keepAliveSeconds: number | undefined;
  #minor = 1;
  #contentLength: string | undefined;
  #transferEncoding: string | undefined;
  #connection = '';
  #upgrade: string | undefined;

  readStatusLine(line: string): void {
    if (lastRead.line !== line) lastRead = statusLineOf(line);
    this.#minor = lastRead.minor;
    this.status = lastRead.status;
    this.reasonPhrase = lastRead.reasonPhrase;
  }

  /** Names that decide framing and the connection's life are told apart by length first. */
  readHeader(line: string, length: number): void {
    if (!readFieldLine(line, length, this.headers)) throw bad('a malformed header');
    const name = this.headers.at(-2) ?? '';
    const value = this.headers.at(-1) ?? '';
    switch (name.length) {
      case 7:
        if (name.toLowerCase() === 'upgrade') this.#upgrade = value.toLowerCase();
        break;
      case 10:
        switch (name.toLowerCase()) {
          case 'connection':
            this.#connection += `,${value.toLowerCase()}`;
            break;
          case 'keep-alive':
            this.keepAliveSeconds = secondsIn(value);
        }
        break;
      case 14:
        if (name.toLowerCase() !== 'content-length') break;
        if (this.#contentLength !== undefined) throw bad('two Content-Lengths');
        this.#contentLength = value;
        break;
      case 17:
        if (name.toLowerCase() !== 'transfer-encoding') break;
        if (this.#transferEncoding !== undefined) throw bad('two Transfer-Encodings');
        this.#transferEncoding = value.toLowerCase();
    }
  }

  /** RFC 9112 §6.3 and §9.3. */
  framing({ method, protocol }: Asked): Framing {
    const length = this.#contentLength === undefined ? undefined : bodyLength(this.#contentLength);
    const chunked = this.#isChunked(length !== undefined);
    if (this.status < 200) return this.#informational(protocol, chunked || (length ?? 0) > 0);

    const keepAlive =
      !hasToken(this.#connection, 'close') && (this.#minor === 1 || hasToken(this.#connection, 'keep-alive'));
    if (method === 'HEAD' || this.status === 304) return { body: 'none', length: 0, keepAlive };
    // It has no body; what says otherwise casts doubt on where the next answer begins.
    if (this.status === 204)
      return { body: 'none', length: 0, keepAlive: keepAlive && !chunked && (length ?? 0) === 0 };
    if (chunked) return { body: 'chunked', length: 0, keepAlive };
    if (length === undefined) return { body: 'until close', length: Infinity, keepAlive: false };
    return { body: length === 0 ? 'none' : 'sized', length, keepAlive };
  }

  #isChunked(sized: boolean): boolean {
    if (this.#transferEncoding === undefined) return false;
    if (this.#transferEncoding !== 'chunked') throw bad('a Transfer-Encoding that is not chunked');
    if (sized) throw bad('Transfer-Encoding beside Content-Length');
    if (this.#minor === 0) throw bad('Transfer-Encoding in HTTP/1.0');
    return true;
  }

  #informational(protocol: string | undefined, hasBody: boolean): Framing {
    if (hasBody || this.#minor === 0) throw bad('an informational answer with a body');
    if (this.status !== 101) return { body: 'none', length: 0, keepAlive: true };
    const agreed =
      protocol !== undefined && this.#upgrade === protocol && hasToken(this.#connection, 'upgrade');
    if (!agreed) throw bad('an upgrade that was not asked for');
    return { body: 'tunnel', length: Infinity, keepAlive: false };
  }
}

type StatusLine = { line: string; minor: 0 | 1; status: number; reasonPhrase: string };

/** Most answers begin as the one before did. */
let lastRead: StatusLine = { line: 'HTTP/1.1 200 OK', minor: 1, status: 200, reasonPhrase: 'OK' };

/** RFC 9112 §4. A missing blank before an empty reason phrase is common, and harmless. */
function statusLineOf(line: string): StatusLine {
  const match = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/.exec(line);
  if (match === null) throw bad('a malformed status line');
  const [, minor, status, reasonPhrase = ''] = match;
  return { line, minor: minor === '1' ? 1 : 0, status: Number(status), reasonPhrase };
}

/** Fifteen digits stay exact in a number, and no body is that long. */
function bodyLength(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw bad('a malformed Content-Length');
  return Number(text);
}

/** The `timeout` of Keep-Alive, if it has one. */
function secondsIn(value: string): number | undefined {
  const [, seconds] = /\btimeout=(\d+)/i.exec(value) ?? [];
  return seconds === undefined ? undefined : Number(seconds);
}

const hasToken = (list: string, token: string): boolean =>
  list.includes(token) && list.split(',').some((part) => part.trim() === token);

export const bad = (what: string): UpstreamError =>
  new UpstreamError('bad_response', new Error(`the upstream sent ${what}`));
