import type { Socket } from 'node:net';
import type { Connector } from './connect.ts';
import { cut } from './cut.ts';
import type { CarriedExchange, Carrier, RequestBody, RequestHead } from './exchange.ts';
import { isAlert, UpstreamError, upstreamError } from './failure.ts';
import { fieldLines } from './field-line.ts';
import { ResponseParser, type ResponseSink } from './response-parser.ts';
import { codings, sendBody } from './send-body.ts';
import { writeTogether, type Writer } from './write-together.ts';

/** Milliseconds. */
export type Timeouts = { connectTimeout: number; responseTimeout: number; idleTimeout: number };

/** What a connection tells its pool. */
export type Owner = {
  /** Its exchange ended cleanly: it may carry another. */
  onFree(connection: Connection): void;
  /** It carries a tunnel or an event stream from now on; false when there is no room for one. */
  onTunnel(connection: Connection): boolean;
  onGone(connection: Connection): void;
  /**
   * `unsent` when not a byte of the request was sent; `untouched` when the connection had served before and not a byte of this
   * answer came.
   */
  onFailure(exchange: CarriedExchange, error: UpstreamError, untouched: boolean, unsent: boolean): void;
};

/** Milliseconds that an idle connection is kept when its upstream does not say: less than what servers do. */
const keepIdle = 4000;
const keepIdleAtMost = 600_000;

/** One socket to an upstream, and the exchange on it. */
export class Connection implements Carrier, ResponseSink, Writer {
  readonly #socket: Socket;
  readonly #owner: Owner;
  readonly #timeouts: Timeouts;
  readonly #parser = new ResponseParser(this);
  #exchange: CarriedExchange | undefined;
  #stopBody: (() => void) | undefined;
  #stands = false;
  #gone = false;
  /** Whether an exchange has ended on it. */
  #served = false;
  /** A request that is written together with others. */
  #held: string | undefined;
  /** Whether the request is sent to its end. */
  #sent = false;
  /** Whether any byte of the answer has come, and its head. */
  #heard = false;
  #headed = false;
  #tunnel = false;
  /** Whether it counts among the tunnels. */
  #apart = false;
  /** Whether the answer is taken as it comes. */
  #flowing = true;
  /** When it is too late, on the clock of `performance.now()`. The pool looks. */
  deadline: number;

  constructor(connector: Connector, timeouts: Timeouts, owner: Owner, exchange: CarriedExchange) {
    this.#owner = owner;
    this.#timeouts = timeouts;
    this.#exchange = exchange;
    exchange.carrier = this;
    this.deadline = performance.now() + timeouts.connectTimeout;
    this.#socket = connector.open((chunk) => this.#onBytes(chunk));
    this.#socket
      .once(connector.standing, () => this.#onStanding())
      .on('end', () => this.#onEnd())
      .on('error', (error) => this.#onError(error))
      .on('close', () => this.#fail(new UpstreamError('reset')));
  }

  #onError(error: Error): void {
    // In TLS 1.3, an upstream that does not like our certificate says so when the connection stands for us already.
    const refused = !this.#served && !this.#heard && isAlert(error);
    this.#fail(this.#stands && !refused ? new UpstreamError('reset', error) : error);
  }

  /** Carries a further exchange, from `now` on. */
  carry(exchange: CarriedExchange, now: number): void {
    this.#exchange = exchange;
    exchange.carrier = this;
    this.#send(exchange, now);
  }

  resume(): void {
    this.#flowing = true;
    this.deadline = performance.now() + this.#timeouts.idleTimeout;
    this.#socket.resume();
  }

  drop(): void {
    this.#detach();
    this.destroy();
  }

  destroy(): void {
    if (this.#gone) return;
    this.#gone = true;
    // In a tunnel, a plain end would say that all is said.
    if (this.#tunnel) cut(this.#socket);
    else this.#socket.destroy();
    this.#owner.onGone(this);
  }

  /** Ends it and what it carries. */
  shutDown(): void {
    this.#fail(new UpstreamError('shutting_down'));
  }

  /** The deadline has passed. */
  expire(): void {
    if (!this.#stands) this.#fail(new UpstreamError('connect_timeout'));
    else if (!this.#headed) this.#fail(new UpstreamError('response_timeout'));
    else this.#fail(new UpstreamError(this.#flowing ? 'idle_timeout' : 'client_stalled'));
  }

  #onStanding(): void {
    this.#stands = true;
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    const now = performance.now();
    exchange.mark('connect', now);
    this.#send(exchange, now);
  }

  #send(exchange: CarriedExchange, now: number): void {
    const { head, body } = exchange;
    this.#parser.begin({ method: head.method, protocol: body?.protocol });
    this.#heard = false;
    this.#headed = false;
    this.deadline = now + this.#timeouts.responseTimeout;
    this.#sent = body === undefined || body.framing === 'tunnel';
    const text = requestText(head, body);
    if (body === undefined) {
      this.#held = text;
      return writeTogether(this);
    }
    this.#socket.write(text, 'latin1');
    if (this.#sent) return;
    // While the client is to send, it is not the upstream that is late.
    if (!body.held) this.deadline = Infinity;
    this.#stopBody = sendBody(body, this.#socket, codings[body.framing], this);
  }

  writeHeld(): void {
    const text = this.#held;
    this.#held = undefined;
    if (!this.#gone && text !== undefined) this.#socket.write(text, 'latin1');
  }

  onMoved(tookAll: boolean): void {
    const now = performance.now();
    if (this.#headed) this.deadline = now + this.#timeouts.idleTimeout;
    else this.deadline = tookAll ? Infinity : now + this.#timeouts.responseTimeout;
  }

  onSent(): void {
    this.#sent = true;
    if (this.#tunnel && this.#socket.readableEnded) return this.#closeTunnel();
    if (!this.#headed) this.deadline = performance.now() + this.#timeouts.responseTimeout;
  }

  onCut(): void {
    this.#fail(new UpstreamError('request_cut'));
  }

  /** Returns whether to go on reading. */
  #onBytes(chunk: Buffer): boolean {
    const exchange = this.#exchange;
    if (exchange === undefined) {
      // Nobody has asked.
      this.destroy();
      return false;
    }
    const now = performance.now();
    if (!this.#heard) {
      this.#heard = true;
      exchange.mark('firstByte', now);
    }
    let complete: boolean;
    try {
      complete = this.#parser.execute(chunk);
    } catch (error) {
      this.#fail(error);
      return false;
    }
    if (this.#exchange !== exchange) return false;
    if (complete) this.#complete(exchange, now);
    else if (this.#headed) {
      this.deadline = now + this.#timeouts.idleTimeout;
      exchange.answer?.onGap();
    }
    return this.#flowing;
  }

  onInformational(status: number, headers: string[]): void {
    // From now on the client is to send, unless the upstream has yet to take what it sent.
    if (status === 100 && !this.#sent && !this.#socket.writableNeedDrain) this.deadline = Infinity;
    this.#exchange?.answer?.onInformational(status, headers);
  }

  onHead(status: number, reasonPhrase: string, headers: string[]): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#headed = true;
    if (status === 101 || (exchange.head.method !== 'HEAD' && isEventStream(headers))) {
      if (!this.#owner.onTunnel(this)) throw new UpstreamError('too_many_tunnels');
      this.#apart = true;
    }
    this.#tunnel = status === 101;
    exchange.answer?.onHead(status, reasonPhrase, headers);
    // It may have been aborted in that call.
    if (status === 101 && exchange.body !== undefined && this.#exchange === exchange)
      this.#stopBody = sendBody(exchange.body, this.#socket, codings.tunnel, this);
  }

  onBody(chunk: Buffer): void {
    if (this.#exchange?.answer?.onData(chunk) === false) this.#flowing = false;
  }

  #onEnd(): void {
    const exchange = this.#exchange;
    const socket = this.#socket;
    if (exchange === undefined) this.destroy();
    else if (!this.#parser.end()) this.#fail(new UpstreamError('reset'));
    else if (socket.writableLength > 0 || !socket.writable) this.#endWith(exchange);
    // libuv tells a reset that comes with bytes as an end, and here the end is all that says the answer is whole. Nothing,
    // written to a connection that was reset, fails.
    else
      socket.write('', (error) => {
        if (error) this.#fail(new UpstreamError('reset', error));
        else if (this.#exchange === exchange) this.#endWith(exchange);
      });
  }

  /** The answer, or this end of the tunnel, has ended with the connection. */
  #endWith(exchange: CarriedExchange): void {
    if (!this.#tunnel) return this.#complete(exchange, performance.now());
    exchange.answer?.onEnd([]);
    if (this.#socket.writableEnded) this.#closeTunnel();
  }

  /** Both ways have ended. */
  #closeTunnel(): void {
    this.#detach()?.finish();
    this.#socket.destroySoon();
  }

  #complete(exchange: CarriedExchange, now: number): void {
    const { keepAlive, excess, trailers } = this.#parser;
    // What the upstream has yet to take would stand before the next request.
    const sent = this.#sent && this.#held === undefined && this.#socket.writableLength === 0;
    const clean = keepAlive && excess === 0 && sent && !this.#apart;
    this.#detach();
    this.#served = true;
    this.#flowing = true;
    const idle = clean ? this.#idleTime() : 0;
    if (idle > 0) {
      this.deadline = now + idle;
      this.#owner.onFree(this);
    } else this.destroy();
    exchange.end(trailers, now);
  }

  #idleTime(): number {
    const seconds = this.#parser.keepAliveSeconds;
    // A second less than the upstream, so that it is not the one that closes.
    return seconds === undefined ? keepIdle : Math.min((seconds - 1) * 1000, keepIdleAtMost);
  }

  #fail(error: unknown): void {
    const exchange = this.#detach();
    const untouched = this.#served && !this.#heard;
    const unsent = this.#held !== undefined;
    this.destroy();
    if (exchange !== undefined) this.#owner.onFailure(exchange, upstreamError(error), untouched, unsent);
  }

  #detach(): CarriedExchange | undefined {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#stopBody?.();
    this.#stopBody = undefined;
    return exchange;
  }
}

/** The bytes of a request's head, in latin1. */
function requestText({ method, path, headers }: RequestHead, body: RequestBody | undefined): string {
  let text = `${method} ${path} HTTP/1.1\r\n${fieldLines(headers)}`;
  if (body?.framing === 'chunked') text += 'Transfer-Encoding: chunked\r\n';
  if (body?.framing === 'tunnel') text += `Connection: Upgrade\r\nUpgrade: ${body.protocol ?? ''}\r\n`;
  return `${text}\r\n`;
}

/** Such an answer has no end: it must not keep others from a connection. */
export function isEventStream(headers: readonly string[]): boolean {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] as string;
    if (name.length === 12 && name.toLowerCase() === 'content-type')
      return /^text\/event-stream\b/i.test(headers[i + 1] as string);
  }
  return false;
}
