import { UpstreamError } from './failure.ts';
import { readFieldLine } from './field-line.ts';

/** What a parser reports as it reads. A chunk is a view on the bytes given to `execute`. */
export type ResponseSink = {
  onInformational(status: number, headers: string[]): void;
  onHead(status: number, reasonPhrase: string, headers: string[]): void;
  /** Once for all that one piece of bytes has of the body. */
  onBody(chunk: Buffer): void;
};

/** What of the request decides how its answer is framed. */
export type Asked = { method: string; protocol: string | undefined };

/** Bytes of a head, its informational ones included, and of all trailers. */
const maxHeadBytes = 64 * 1024;
/** Bytes of chunk extensions in one answer. */
const maxExtensionBytes = 16 * 1024;
/** Bytes looked at when lines are read: heads are longer than the lines between chunks. */
const headWindow = 8192;
const chunkLineWindow = 64;

type State =
  | 'status line'
  | 'headers'
  | 'sized body'
  | 'body until close'
  | 'chunk size'
  | 'chunk data'
  | 'chunk end'
  | 'trailers'
  | 'tunnel'
  | 'done';

/**
 * Reads one answer after another from the bytes of a connection, as RFC 9112 has them and in no other way: where the
 * RFC lets a recipient repair, this one refuses, since two readers that repair differently disagree on where a
 * message ends. Throws an UpstreamError, `bad_response`, after which it must not be used.
 */
export class ResponseParser {
  readonly #sink: ResponseSink;
  #asked: Asked = { method: 'GET', protocol: undefined };
  #state: State = 'status line';
  /** The beginning of a line whose end has not come. */
  #partial = '';
  #headBytes = 0;
  #extensionBytes = 0;
  /** Bytes of the body, or of this chunk, still to come. */
  #left = 0;
  /** Where the body's part of the bytes at hand lies; its chunks are moved together. */
  #bodyFrom = 0;
  #bodyTo = 0;
  #minor = 1;
  #status = 0;
  #reasonPhrase = '';
  #headers: string[] = [];
  #contentLength: string | undefined;
  #transferEncoding: string | undefined;
  #connection = '';
  #upgrade: string | undefined;

  /** Whether the connection may be used again once this answer is complete. */
  keepAlive = false;
  /** Seconds the upstream says it keeps an idle connection, from Keep-Alive. */
  keepAliveSeconds: number | undefined;
  trailers: string[] = [];
  /** Bytes of the last chunk that lie behind the end of the answer. */
  excess = 0;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** Makes ready for the answer to the next request. */
  begin(asked: Asked): void {
    this.#asked = asked;
    this.#partial = '';
    this.#headBytes = 0;
    this.#extensionBytes = 0;
    this.trailers = [];
    this.excess = 0;
    this.#beginHead();
  }

  /** Reads on, and may move what is in `chunk`; true once the answer is complete. */
  execute(chunk: Buffer): boolean {
    let at = 0;
    this.#bodyFrom = 0;
    this.#bodyTo = 0;
    try {
      while (at < chunk.length && this.#state !== 'done')
        at = inLines.has(this.#state) ? this.#readLines(chunk, at) : this.#readBody(chunk, at);
    } finally {
      if (this.#bodyTo > 0) this.#sink.onBody(chunk.subarray(this.#bodyFrom, this.#bodyTo));
    }
    this.excess = chunk.length - at;
    return this.#state === 'done';
  }

  /** The upstream has ended the connection before the answer was complete; true when that ends it as it should. */
  end(): boolean {
    return this.#state === 'body until close' || this.#state === 'tunnel';
  }

  #readBody(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#left);
    this.#left -= end - at;
    if (this.#bodyTo === 0) this.#bodyFrom = at;
    // A chunk of one byte must not cost a write of its own.
    else chunk.copyWithin(this.#bodyTo, at, end);
    this.#bodyTo = this.#bodyTo === 0 ? end : this.#bodyTo + end - at;
    if (this.#left === 0) this.#state = this.#state === 'sized body' ? 'done' : 'chunk end';
    return end;
  }

  /** Reads lines until the state calls for something else or the bytes end. Returns how far it came. */
  #readLines(chunk: Buffer, at: number): number {
    const window = this.#state === 'chunk size' || this.#state === 'chunk end' ? chunkLineWindow : headWindow;
    const text = chunk.toString('latin1', at, Math.min(chunk.length, at + window));
    let from = 0;
    for (;;) {
      const lineFeed = text.indexOf('\n', from);
      if (lineFeed < 0) break;
      let line = text.slice(from, lineFeed);
      if (this.#partial !== '') {
        line = this.#partial + line;
        this.#partial = '';
      }
      if (!line.endsWith('\r')) throw bad('a line that does not end in CRLF');
      from = lineFeed + 1;
      this.#onLine(line, line.length - 1);
      if (!inLines.has(this.#state)) return at + from;
    }
    this.#partial += text.slice(from);
    // A line between chunks is no part of the head, however little room that has left.
    const before = inHead.has(this.#state) ? this.#headBytes : 0;
    if (this.#partial.length + before > maxHeadBytes) throw bad('a line or a head that is too long');
    return at + text.length;
  }

  /** `length` leaves the CR out. */
  #onLine(line: string, length: number): void {
    const state = this.#state;
    if (state === 'chunk size') return this.#readChunkSize(line.slice(0, length));
    if (state === 'chunk end') {
      if (length !== 0) throw bad('a chunk longer than its size');
      this.#state = 'chunk size';
      return;
    }
    this.#count(length);
    if (state === 'status line') this.#readStatusLine(line.slice(0, length));
    else if (length > 0) this.#readHeader(line, length, state === 'headers' ? this.#headers : this.trailers);
    else if (state === 'headers') this.#endHead();
    else this.#state = 'done';
  }

  #count(length: number): void {
    this.#headBytes += length + 2;
    if (this.#headBytes > maxHeadBytes) throw bad('a head that is too long');
  }

  #beginHead(): void {
    this.#state = 'status line';
    this.#headers = [];
    this.#contentLength = undefined;
    this.#transferEncoding = undefined;
    this.#connection = '';
    this.#upgrade = undefined;
    this.keepAliveSeconds = undefined;
  }

  /** RFC 9112 §4. A missing blank before an empty reason phrase is common, and harmless. */
  #readStatusLine(line: string): void {
    const match = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/.exec(line);
    if (match === null) throw bad('a malformed status line');
    this.#minor = match[1] === '1' ? 1 : 0;
    this.#status = Number(match[2]);
    this.#reasonPhrase = match[3] ?? '';
    this.#state = 'headers';
  }

  #readHeader(line: string, length: number, into: string[]): void {
    if (!readFieldLine(line, length, into)) throw bad('a malformed header');
    if (into === this.#headers) this.#noteFraming(into.at(-2) ?? '', into.at(-1) ?? '');
  }

  /** Remembers what decides framing and the connection's life; names are told apart by length first. */
  #noteFraming(name: string, value: string): void {
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

  /** The head is complete: how its body is framed (RFC 9112 §6.3), and whether the connection lasts (§9.3). */
  #endHead(): void {
    const status = this.#status;
    const length = this.#contentLength === undefined ? undefined : bodyLength(this.#contentLength);
    const coding = this.#transferEncoding;
    if (coding !== undefined) {
      if (coding !== 'chunked') throw bad('a Transfer-Encoding that is not chunked');
      if (length !== undefined) throw bad('Transfer-Encoding beside Content-Length');
      if (this.#minor === 0) throw bad('Transfer-Encoding in HTTP/1.0');
    }
    if (status < 200) return this.#endInformational(length);

    this.keepAlive =
      !hasToken(this.#connection, 'close') && (this.#minor === 1 || hasToken(this.#connection, 'keep-alive'));
    if (this.#asked.method === 'HEAD' || status === 304) this.#state = 'done';
    else if (status === 204) {
      // It has no body; what says otherwise casts doubt on where the next answer begins.
      this.#state = 'done';
      this.keepAlive &&= coding === undefined && (length ?? 0) === 0;
    } else if (coding !== undefined) this.#state = 'chunk size';
    else if (length !== undefined) {
      this.#left = length;
      this.#state = length === 0 ? 'done' : 'sized body';
    } else {
      this.#state = 'body until close';
      this.#left = Infinity;
      this.keepAlive = false;
    }
    const headers = this.#headers;
    // An idle connection must not hold on to its last answer.
    this.#headers = [];
    this.#sink.onHead(status, this.#reasonPhrase, headers);
  }

  #endInformational(length: number | undefined): void {
    if (this.#transferEncoding !== undefined || (length ?? 0) > 0 || this.#minor === 0)
      throw bad('an informational answer with a body');
    const [status, headers] = [this.#status, this.#headers];
    if (status === 101) {
      const { protocol } = this.#asked;
      const agreed =
        protocol !== undefined && this.#upgrade === protocol && hasToken(this.#connection, 'upgrade');
      if (!agreed) throw bad('an upgrade that was not asked for');
      this.keepAlive = false;
      this.#state = 'tunnel';
      this.#left = Infinity;
      this.#sink.onHead(status, this.#reasonPhrase, headers);
    } else {
      this.#beginHead();
      this.#sink.onInformational(status, headers);
    }
  }

  /** RFC 9112 §7.1. Extensions mean nothing to us, and are bounded. */
  #readChunkSize(line: string): void {
    const match = /^([\da-f]{1,13})((?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?)$/i.exec(line);
    if (match === null) throw bad('a malformed chunk size');
    this.#extensionBytes += match[2]?.length ?? 0;
    if (this.#extensionBytes > maxExtensionBytes) throw bad('too many chunk extensions');
    this.#left = Number.parseInt(match[1] ?? '', 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk data';
  }
}

const inHead: ReadonlySet<State> = new Set<State>(['status line', 'headers', 'trailers']);
const inLines: ReadonlySet<State> = new Set<State>([...inHead, 'chunk size', 'chunk end']);

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
  list !== '' && list.split(',').some((part) => part.trim() === token);

const bad = (what: string) => new UpstreamError('bad_response', new Error(`the upstream sent ${what}`));
