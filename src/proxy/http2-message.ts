import { randomBytes } from 'node:crypto';
import { constants, type ServerHttp2Stream } from 'node:http2';
import type { IncomingHttpHeaders } from 'node:http';
import { withoutLength, type HeaderList } from './headers.ts';
import { http2Fields, type Http2Head } from './http2-head.ts';
import { acceptOf, type Fields } from '../upstream/http2-fields.ts';
import { noteEnd } from '../upstream/http2-end.ts';
import { bad } from '../upstream/response-head.ts';
import type { Carrier, Request, Response } from './message.ts';
import type { Client } from './trust.ts';

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR, NGHTTP2_STREAM_STATE_HALF_CLOSED_REMOTE } =
  constants;

/** A request that came as a stream of HTTP/2. */
export class Http2Request implements Request {
  readonly httpVersion = '2';
  readonly httpVersionMajor = 2;
  readonly httpVersionMinor = 0;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: string[];
  rawTrailers: string[] = [];
  readonly stream: ServerHttp2Stream;
  readonly socket: StreamCarrier;
  #ended: boolean;

  constructor(stream: ServerHttp2Stream, head: Http2Head, ended: boolean) {
    this.method = head.method;
    this.url = head.url;
    this.headers = head.headers;
    this.rawHeaders = head.rawHeaders;
    this.stream = stream;
    this.socket = new StreamCarrier(stream, head.size);
    this.#ended = ended;
    if (ended) return;
    keepEndTrue(stream);
    stream.on('trailers', (...[, , raw]: [unknown, unknown, string[]]) => (this.rawTrailers = raw));
    stream.once('end', () => (this.#ended = true));
  }

  get complete(): boolean {
    return this.#ended;
  }

  resume(): void {
    this.stream.resume();
  }
}

/**
 * Node has a stream end, as one that is complete does, when it is reset or its connection goes; a body that was cut would then be
 * whole to the upstream. Such a stream closes without an end. `aborted` does not tell: it is for streams that we have yet to end,
 * and Node ends our side of a HEAD as it comes.
 */
function keepEndTrue(stream: ServerHttp2Stream): void {
  // The end may have come in one packet with the head; but one of a body that is not as long as announced has a reset follow.
  const begunWhole = stream.state.state === NGHTTP2_STREAM_STATE_HALF_CLOSED_REMOTE;
  let whole = false;
  noteEnd(stream, () => (whole = true));
  const emit = stream.emit.bind(stream) as (event: string | symbol, ...args: unknown[]) => boolean;
  stream.emit = (event: string | symbol, ...args: unknown[]) => {
    if (event !== 'end' || whole || (begunWhole && stream.rstCode === NGHTTP2_NO_ERROR))
      return emit(event, ...args);
    // After a reset without an error, Node waits for the end to do so.
    stream.destroy();
    return false;
  };
}

/** Counts what a stream has carried: heads as HTTP/1.1 would have them, and bodies. */
class StreamCarrier implements Carrier {
  readonly #stream: ServerHttp2Stream;
  bytesRead: number;
  bytesWritten = 0;

  constructor(stream: ServerHttp2Stream, headBytes: number) {
    this.#stream = stream;
    this.bytesRead = headBytes;
    if (stream.endAfterHeaders) return;
    // To listen for data is to ask for it, unless it was said before that nobody does yet.
    stream.pause();
    stream.on('data', (chunk: Buffer) => (this.bytesRead += chunk.length));
  }

  get writable(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed;
  }

  on(event: 'close', listener: () => void): void {
    this.#stream.on(event, listener);
  }

  off(event: 'close', listener: () => void): void {
    this.#stream.off(event, listener);
  }
}

/** Its answer. The head goes out with the first of the body, so that Node knows whether there is one. */
export class Http2Response implements Response {
  readonly req: Http2Request;
  readonly #stream: ServerHttp2Stream;
  /** The key that an upstream of HTTP/1.1 is asked with, for a request that wants a tunnel. */
  readonly #key: string | undefined;
  #head: Fields | undefined;
  #bodyless = false;
  #ended = false;
  #cut = false;
  #trailers: Fields | undefined;
  /** When all of it was here, on the clock of `performance.now()`; the client may have yet to take some. */
  endedAt = Infinity;
  readonly chunkedEncoding = true;

  constructor(req: Http2Request, key: string | undefined) {
    this.req = req;
    this.#key = key;
    this.#stream = req.stream;
  }

  get destroyed(): boolean {
    return this.#cut || this.#stream.destroyed || this.#stream.closed;
  }

  /** Node closes a stream whose last frame is written before it says that the stream has finished. */
  get writableFinished(): boolean {
    return this.#ended && this.#stream.rstCode === NGHTTP2_NO_ERROR && !this.#stream.aborted;
  }

  /** Whether its client took the request back, or let go of it otherwise, while the answer was still ours to give. */
  get cancelled(): boolean {
    // Node ends our side of a HEAD as it comes, and then does not call it aborted.
    const unanswered = this.req.method === 'HEAD' ? !this.#ended : this.#stream.aborted;
    return unanswered && !this.#cut;
  }

  /** Throws for a status that HTTP does not have (RFC 9110 §15), and Node refuses to send. */
  setHead(status: number, _reasonPhrase: string | undefined, headers: HeaderList): void {
    if (status > 599) throw bad('a status above 599');
    // Node sends none of these a body. A 205 with a length would be malformed without it.
    this.#bodyless = this.req.method === 'HEAD' || status === 204 || status === 205 || status === 304;
    this.#head = {
      ':status': String(status),
      ...http2Fields(status === 205 ? withoutLength(headers) : headers),
    };
  }

  write(chunk: Buffer | string, encoding: 'latin1'): boolean {
    this.#sendHead(false);
    if (this.#bodyless || chunk.length === 0 || this.destroyed) return true;
    this.req.socket.bytesWritten += chunk.length;
    return this.#stream.write(chunk, encoding);
  }

  /** Of a stream that was reset, Node says that a piece is written while some of it may still be on its way: no copy is used again. */
  writeLent(chunk: Buffer): boolean {
    return this.write(Buffer.from(chunk), 'latin1');
  }

  setTrailers(trailers: HeaderList): void {
    this.#trailers = http2Fields(trailers);
  }

  end(chunk: Buffer | string, encoding: 'latin1' | 'utf8'): void {
    const stream = this.#stream;
    if (this.destroyed) return;
    this.#ended = true;
    this.endedAt = performance.now();
    const { length } = chunk;
    this.#sendHead(length === 0 && this.#trailers === undefined);
    // What is left of the request is of no use (RFC 9113 §8.1).
    if (!this.req.complete) stream.once('finish', () => setImmediate(() => this.#endRequest()));
    if (this.#bodyless || length === 0) return void stream.end();
    this.req.socket.bytesWritten += typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding) : length;
    stream.end(chunk, encoding);
  }

  #sendHead(whole: boolean): void {
    const head = this.#head;
    if (head === undefined || this.destroyed) return;
    this.#head = undefined;
    this.req.socket.bytesWritten += sizeOf(head);
    const stream = this.#stream;
    const endStream = whole || this.#bodyless;
    const waitForTrailers = !endStream && (!this.#ended || this.#trailers !== undefined);
    if (waitForTrailers) stream.once('wantTrailers', () => this.#sendTrailers());
    stream.respond(head, { endStream, waitForTrailers });
  }

  #sendTrailers(): void {
    if (this.destroyed) return;
    // Even if there are none: it is what ends the stream.
    this.#stream.sendTrailers(this.#trailers ?? {});
  }

  #endRequest(): void {
    if (!this.destroyed && !this.req.complete) this.#stream.close(NGHTTP2_NO_ERROR);
  }

  destroy(): void {
    this.#close(NGHTTP2_CANCEL);
  }

  /** A tunnel that was cut is cancelled (RFC 8441 §5), as is an answer; never does either end by END_STREAM. */
  cut(_client: Client, status: number): void {
    this.#close(status === 101 ? NGHTTP2_CANCEL : NGHTTP2_INTERNAL_ERROR);
  }

  #close(code: number): void {
    if (this.destroyed) return;
    this.#cut = true;
    // Not within a call of Node's for what came: its own end of a stream can come before, which ends the process.
    setImmediate(() => this.#stream.close(code));
  }

  inform(status: number, headers: HeaderList): void {
    if (!this.#stream.headersSent && !this.destroyed)
      this.#stream.additionalHeaders({ ':status': status, ...http2Fields(headers) });
  }

  writeContinue(): void {
    this.inform(100, []);
  }

  /** Streams end by themselves: nothing that follows can be taken for a part of them. */
  makeLast(): void {}

  get tunnel(): ServerHttp2Stream {
    return this.#stream;
  }

  /** A stream that ends tells by itself. */
  watchForEnd(): () => void {
    return () => {};
  }

  /** The key is between us and the upstream, and so is what it makes of it (RFC 8441 §5, RFC 6455 §4.2.2). */
  openTunnel(headers: HeaderList): boolean {
    const { 'sec-websocket-accept': accept, ...rest } = http2Fields(headers);
    if (accept !== acceptOf(this.#key ?? '')) return false;
    const head = { ':status': '200', ...rest };
    this.req.socket.bytesWritten += sizeOf(head);
    // Else Node ends a stream properly before it resets it, and a tunnel that was cut looks as if all was said.
    this.#stream.once('wantTrailers', () => this.#sendTrailers());
    this.#stream.respond(head, { waitForTrailers: true });
    return true;
  }

  writeTunnel(chunk: Buffer): boolean {
    this.req.socket.bytesWritten += chunk.length;
    return this.#stream.write(chunk);
  }

  on(event: 'close' | 'drain', listener: () => void): void {
    this.#stream.on(event, listener);
  }

  once(event: 'close' | 'drain', listener: () => void): void {
    this.#stream.once(event, listener);
  }
}

/** A key as a client of RFC 6455 §4.1 makes it. */
export const webSocketKey = (): string => randomBytes(16).toString('base64');

function sizeOf(head: Fields): number {
  let size = 0;
  for (const name in head) size += name.length + String(head[name]).length + 4;
  return size;
}
