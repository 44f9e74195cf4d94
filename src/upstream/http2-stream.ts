import type { ClientHttp2Stream } from 'node:http2';
import { STATUS_CODES } from 'node:http';
import { isEventStream, type Timeouts } from './connection.ts';
import type { CarriedExchange, Carrier } from './exchange.ts';
import { UpstreamError } from './failure.ts';
import { noteEnd } from './http2-end.ts';
import type { Cause, Fate } from './http2-failure.ts';
import { joined, fieldsOf, tunnelHeaders } from './http2-fields.ts';
import { bad } from './response-head.ts';
import { sendBody, type BodyEvents, type Coding } from './send-body.ts';

/** What a stream tells its session, and asks of it. */
export type StreamOwner = {
  /** It carries a tunnel or an event stream from now on; false when there is no room for one. */
  onTunnel(): boolean;
  /** A head was reported, and what came with it will have been once the owner calls `gap`. */
  onHead(stream: ExchangeStream): void;
  /** The upstream was late with its answer. */
  onLate(): void;
  /** Its exchange is over, or nobody wants it any more. */
  onLetGo(stream: ExchangeStream): void;
  /** It takes no room any more. */
  onClosed(stream: ExchangeStream): void;
  onFailure(exchange: CarriedExchange, error: UpstreamError, fate: Fate): void;
  /** What ended a stream that did not end by itself. */
  causeOf(stream: ClientHttp2Stream, error: Error | undefined): Cause;
};

/** Bytes of a head, its informational ones included, and of the trailers. */
const maxHeadBytes = 64 * 1024;

/**
 * CANCEL (RFC 9113 §7). Never within a call of Node's for what came: it would send the reset later, and end the process when the
 * request's end comes before.
 */
const cancel = 8;

/** The body goes into frames, and what ends it is a flag. */
const inFrames: Coding<ClientHttp2Stream> = {
  write: (to, chunk) => chunk.length === 0 || to.write(chunk),
  end(to, trailers) {
    to.once('wantTrailers', () => {
      if (!to.closed) to.sendTrailers(joined(fieldsOf(trailers())));
    });
    to.end();
  },
};

/** One exchange on a stream of a session. */
export class ExchangeStream implements Carrier, BodyEvents {
  readonly #stream: ClientHttp2Stream;
  readonly #owner: StreamOwner;
  readonly #timeouts: Timeouts;
  #exchange: CarriedExchange | undefined;
  #stopBody: (() => void) | undefined;
  /** Whether the request is sent to its end, and whether anything of its body was read. */
  #sent: boolean;
  #moved = false;
  #heard = false;
  #headed = false;
  #headBytes = 0;
  #tunnel = false;
  /** Whether the answer has come to its end. */
  #whole = false;
  #trailers: string[] = [];
  #error: Error | undefined;
  #flowing = true;
  /** Whether it counts among the tunnels. */
  apart = false;
  /** When it is too late, on the clock of `performance.now()`. */
  deadline: number;

  constructor(stream: ClientHttp2Stream, exchange: CarriedExchange, timeouts: Timeouts, owner: StreamOwner) {
    const { body } = exchange;
    this.#stream = stream;
    this.#owner = owner;
    this.#timeouts = timeouts;
    this.#exchange = exchange;
    exchange.carrier = this;
    this.deadline = performance.now() + timeouts.responseTimeout;
    this.#sent = body === undefined || body.framing === 'tunnel';
    noteEnd(stream, () => (this.#whole = true));
    // Node's types lack the list of fields, which comes last.
    const on = (event: string, listener: (...args: [unknown, unknown, string[]]) => void) =>
      stream.on(event, listener);
    on('headers', (_fields, _flags, raw) => this.#onInformational(raw));
    on('response', (_fields, _flags, raw) => this.#onHead(raw));
    on('trailers', (_fields, _flags, raw) => this.#onTrailers(raw));
    stream
      .on('end', () => this.#onEnd())
      .on('error', (error) => (this.#error = error))
      .on('close', () => this.#onClose());
    if (body === undefined || this.#sent) return;
    // While the client is to send, it is not the upstream that is late.
    if (!body.held) this.deadline = Infinity;
    this.#stopBody = sendBody(body, stream, inFrames, this);
  }

  resume(): void {
    this.#flowing = true;
    this.deadline = performance.now() + this.#timeouts.idleTimeout;
    this.#stream.resume();
  }

  drop(): void {
    this.#detach(true);
  }

  /** The deadline has passed. */
  expire(): void {
    if (this.#headed)
      return this.fail(new UpstreamError(this.#flowing ? 'idle_timeout' : 'client_stalled'), 'unknown');
    this.#owner.onLate();
    this.fail(new UpstreamError('response_timeout'), 'unknown');
  }

  fail(error: UpstreamError, fate: Fate): void {
    const exchange = this.#detach(true);
    if (exchange === undefined) return;
    // What was read of a body is gone; what was not waits for another stream.
    const told = this.#heard || (this.#moved && fate === 'unprocessed') ? 'unknown' : fate;
    if (told === 'unprocessed') exchange.body?.stream.pause();
    this.#owner.onFailure(exchange, error, told);
  }

  /** The upstream will send no more. */
  cut(error: UpstreamError, fate: Fate): void {
    if (!this.#whole) this.fail(error, fate);
  }

  /** All that arrived with the head has been reported. */
  gap(): void {
    this.#exchange?.answer?.onGap();
  }

  onMoved(tookAll: boolean): void {
    const now = performance.now();
    this.#moved = true;
    if (this.#headed) this.deadline = now + this.#timeouts.idleTimeout;
    else this.deadline = tookAll ? Infinity : now + this.#timeouts.responseTimeout;
  }

  onSent(): void {
    this.#sent = true;
    if (this.#tunnel && this.#stream.readableEnded) return this.#closeTunnel();
    if (!this.#headed) this.deadline = performance.now() + this.#timeouts.responseTimeout;
  }

  onCut(): void {
    this.fail(new UpstreamError('request_cut'), 'unknown');
  }

  #onInformational(raw: string[]): void {
    if (!this.#count(raw)) return;
    const status = Number(raw[1]);
    if (!this.#isStatus(status)) return;
    // From now on the client is to send, unless the upstream has yet to take what it sent.
    if (status === 100 && !this.#sent && !this.#stream.writableNeedDrain) this.deadline = Infinity;
    this.#exchange?.answer?.onInformational(status, raw.slice(2));
  }

  #onHead(raw: string[]): void {
    const exchange = this.#exchange;
    if (exchange === undefined || !this.#count(raw)) return;
    const { head, body } = exchange;
    const status = Number(raw[1]);
    if (!this.#isStatus(status)) return;
    const agreed = body?.framing === 'tunnel' && status < 300;
    const headers = raw.slice(2);
    if (agreed || (head.method !== 'HEAD' && isEventStream(headers))) {
      if (!this.#owner.onTunnel()) return this.fail(new UpstreamError('too_many_tunnels'), 'unknown');
      this.apart = true;
    }
    this.#headed = true;
    this.#tunnel = agreed;
    this.deadline = performance.now() + this.#timeouts.idleTimeout;
    const { answer } = exchange;
    if (!agreed) answer?.onHead(status, STATUS_CODES[status] ?? '', headers);
    else answer?.onHead(101, 'Switching Protocols', tunnelHeaders(headers, head, body.protocol ?? ''));
    // It may have been aborted in that call.
    if (this.#exchange !== exchange) return;
    if (agreed) this.#stopBody = sendBody(body, this.#stream, inFrames, this);
    this.#stream.on('data', (chunk: Buffer) => this.#onData(chunk));
    this.#owner.onHead(this);
  }

  #onData(chunk: Buffer): void {
    const { answer } = this.#exchange ?? {};
    if (answer === undefined) return;
    this.deadline = performance.now() + this.#timeouts.idleTimeout;
    if (answer.onData(chunk)) return;
    this.#flowing = false;
    this.#stream.pause();
  }

  #onTrailers(raw: string[]): void {
    if (this.#count(raw)) this.#trailers = raw;
  }

  /** Counts the bytes of fields; false, when there are too many. */
  #count(raw: string[]): boolean {
    if (!this.#heard) this.#exchange?.mark('firstByte');
    this.#heard = true;
    for (const text of raw) this.#headBytes += text.length + 2;
    if (this.#headBytes <= maxHeadBytes) return true;
    this.fail(bad('a head that is too long'), 'unknown');
    return false;
  }

  /** To nghttp2, any three digits are a status. */
  #isStatus(status: number): boolean {
    if (status >= 100) return true;
    this.fail(bad('a status below 100'), 'unknown');
    return false;
  }

  #onEnd(): void {
    const exchange = this.#exchange;
    if (exchange === undefined || !this.#whole) return;
    if (!this.#tunnel) return this.#complete(exchange);
    exchange.answer?.onEnd([]);
    if (this.#stream.writableEnded) this.#closeTunnel();
  }

  /** Both ways have ended. */
  #closeTunnel(): void {
    this.#detach(false)?.finish();
  }

  #complete(exchange: CarriedExchange): void {
    // Nobody needs the rest of a request that is answered.
    this.#detach(!this.#sent || this.#stream.writableLength > 0);
    exchange.end(this.#trailers);
  }

  #onClose(): void {
    if (this.#exchange !== undefined) {
      const { error, fate } = this.#owner.causeOf(this.#stream, this.#error);
      this.fail(error, fate);
    }
    this.#owner.onClosed(this);
  }

  #detach(cancelled: boolean): CarriedExchange | undefined {
    const exchange = this.#exchange;
    if (exchange === undefined) return undefined;
    this.#exchange = undefined;
    this.deadline = Infinity;
    this.#stopBody?.();
    this.#stopBody = undefined;
    if (cancelled) setImmediate(() => this.#stream.close(cancel));
    this.#owner.onLetGo(this);
    return exchange;
  }
}
