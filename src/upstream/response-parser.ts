import { readFieldLine } from './field-line.ts';
import { bad, ResponseHead, type Asked, type Framing } from './response-head.ts';

/** What a parser reports as it reads. A chunk is a view on the bytes given to `execute`. */
export type ResponseSink = {
  onInformational(status: number, headers: string[]): void;
  onHead(status: number, reasonPhrase: string, headers: string[]): void;
  /** Once for all that one piece of bytes has of the body. */
  onBody(chunk: Buffer): void;
};

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

const after: Readonly<Record<Framing['body'], State>> = {
  none: 'done',
  sized: 'sized body',
  chunked: 'chunk size',
  'until close': 'body until close',
  tunnel: 'tunnel',
};

const noHead = new ResponseHead();

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
  #head = noHead;

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
    if (state === 'status line') {
      this.#head.readStatusLine(line.slice(0, length));
      this.#state = 'headers';
    } else if (state === 'headers') {
      if (length > 0) this.#head.readHeader(line, length);
      else this.#endHead();
    } else if (length === 0) this.#state = 'done';
    else if (!readFieldLine(line, length, this.trailers)) throw bad('a malformed trailer');
  }

  #count(length: number): void {
    this.#headBytes += length + 2;
    if (this.#headBytes > maxHeadBytes) throw bad('a head that is too long');
  }

  #beginHead(): void {
    this.#state = 'status line';
    this.#head = new ResponseHead();
  }

  #endHead(): void {
    const head = this.#head;
    const framing = head.framing(this.#asked);
    this.#left = framing.length;
    this.keepAlive = framing.keepAlive;
    this.keepAliveSeconds = head.keepAliveSeconds;
    if (head.status < 200 && head.status !== 101) {
      this.#beginHead();
      this.#sink.onInformational(head.status, head.headers);
    } else {
      this.#state = after[framing.body];
      // An idle connection must not hold on to its last answer.
      this.#head = noHead;
      this.#sink.onHead(head.status, head.reasonPhrase, head.headers);
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
