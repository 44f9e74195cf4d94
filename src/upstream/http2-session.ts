import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Connector } from './connect.ts';
import type { Timeouts } from './connection.ts';
import type { CarriedExchange, Carrier } from './exchange.ts';
import { later } from './exchange.ts';
import { UpstreamError } from './failure.ts';
import { causeOfReset, sessionError, type Cause, type Fate } from './http2-failure.ts';
import { http2, isExhausted, request } from './http2-request.ts';
import { ExchangeStream, type StreamOwner } from './http2-stream.ts';

/** What a session tells its pool. */
export type SessionOwner = {
  /** It may take more than it did. */
  onRoom(session: Session): void;
  /** Exchanges it cannot carry after all. */
  onSurplus(exchanges: CarriedExchange[]): void;
  onTunnel(): boolean;
  onTunnelClosed(): void;
  onGone(session: Session): void;
  onFailure(exchange: CarriedExchange, error: UpstreamError, fate: Fate, session: Session): void;
};

/** Exchanges on one session at the most, whatever the upstream allows: those of a session share its fate. */
const mostStreams = 250;
/** Until an upstream says how many it takes, what RFC 9113 §6.5.2 asks of it at least. */
export const presumedStreams = 100;
/** Milliseconds that a session without an exchange is kept: the upstream says when it ends one, so longer than elsewhere. */
const keepIdle = 30_000;

/** Bytes that may be under way to us, of one answer and of all on a session. */
const streamWindow = 256 * 1024;
const sessionWindow = 4 * 1024 * 1024;

/** As much as HTTP/1.1 has in 64 KiB: what is too long is told by its bytes. */
const maxHeaderListPairs = 16_384;
/** Megabytes. */
const maxSessionMemory = 64;

/** One HTTP/2 connection to an upstream, and the exchanges on it. */
export class Session implements StreamOwner, Carrier {
  readonly #origin: URL;
  readonly #owner: SessionOwner;
  readonly #timeouts: Timeouts;
  readonly #socket: Socket;
  #session: ClientHttp2Session | undefined;
  /** Exchanges that wait for it to stand. */
  #waiting = new Set<CarriedExchange>();
  /** Streams that are not closed, and how many of them carry an exchange. */
  readonly #streams = new Set<ExchangeStream>();
  #carried = 0;
  /** Streams whose head was reported in this turn of the event loop. */
  #headed: ExchangeStream[] = [];
  #stands = false;
  #gone = false;
  /** Whether it takes no more. */
  #closing = false;
  /** Whether an exchange has ended on it. */
  #served = false;
  #error: unknown;
  #lastStream = Infinity;
  /** What had come from the upstream when it last was looked at, and since when it says nothing. */
  #bytesHeard = 0;
  #silentSince = Infinity;
  /** Streams that carry a tunnel or an event stream. */
  tunnels = 0;
  /** Exchanges it can carry at a time. */
  room: number;
  /** When it has to stand, or has been idle for too long. */
  deadline: number;

  /** `presumed` is how many exchanges it is thought to carry until it says so. */
  constructor(connector: Connector, origin: URL, timeouts: Timeouts, owner: SessionOwner, presumed: number) {
    this.#origin = origin;
    this.#owner = owner;
    this.#timeouts = timeouts;
    this.room = presumed;
    this.deadline = performance.now() + timeouts.connectTimeout;
    this.#socket = connector.open();
    this.#socket
      .once(connector.standing, () => this.#begin())
      .on('error', (error) => this.#end(this.#named(error)))
      .on('end', () => this.#onEnd())
      .on('close', () => this.#end(new UpstreamError('reset')));
  }

  /** Whether it carries nothing. */
  get idle(): boolean {
    return this.#stands && this.#carried === 0;
  }

  /** Whether it is kept for the next exchange. */
  get kept(): boolean {
    return this.idle && !this.closing;
  }

  /** Whether it carries anything that counts as a request. */
  get active(): boolean {
    return this.#waiting.size > 0 || this.#carried > this.tunnels;
  }

  /** Whether it takes no more, and ends with what it carries. */
  get closing(): boolean {
    return this.#closing || this.#session?.closed === true || this.#session?.destroyed === true;
  }

  /** Whether it has done nothing yet, so that it is not as dead as others may be. */
  get fresh(): boolean {
    return !this.#served;
  }

  /** Whether to give it one more. One that says nothing although it was asked may be dead. */
  takes(now: number): boolean {
    if (this.closing || this.#waiting.size + this.#streams.size >= this.room) return false;
    const { bytesRead } = this.#socket;
    if (bytesRead !== this.#bytesHeard) {
      this.#bytesHeard = bytesRead;
      this.#silentSince = now;
    }
    return !this.#stands || this.#carried === 0 || now - this.#silentSince < this.#timeouts.connectTimeout;
  }

  carry(exchange: CarriedExchange): void {
    if (this.#stands) return this.#send(exchange);
    exchange.carrier = this;
    this.#waiting.add(exchange);
  }

  resume(): void {}

  /** Takes back an exchange that waits. */
  drop(exchange: CarriedExchange): void {
    this.#waiting.delete(exchange);
  }

  /** Looks at all deadlines. */
  expire(now: number): void {
    for (const stream of this.#streams) if (stream.deadline <= now) stream.expire();
    if (this.deadline > now) return;
    if (this.#stands && !this.closing) this.retire();
    else if (this.#stands) this.#end(new UpstreamError('reset'));
    // Something came, and it was no HTTP/2: Node 20 does not tell.
    else
      this.#end(
        new UpstreamError(this.#socket.bytesRead > 0 && this.#session ? 'no_http2' : 'connect_timeout'),
      );
  }

  /** Takes no more, and ends with what it carries. */
  retire(): void {
    this.#closing = true;
    if (this.idle) this.#rest();
  }

  /** Ends it and what it carries. */
  shutDown(): void {
    this.#end(new UpstreamError('shutting_down'));
  }

  #begin(): void {
    const { protocol } = this.#origin;
    if (protocol === 'https:' && (this.#socket as TLSSocket).alpnProtocol !== 'h2')
      return this.#end(new UpstreamError('no_http2', new Error('it did not choose h2 by ALPN')));
    const session = http2().connect(this.#origin, {
      createConnection: () => this.#socket,
      settings: { enablePush: false, initialWindowSize: streamWindow },
      maxHeaderListPairs,
      maxSessionMemory,
    });
    this.#session = session;
    session
      .once('connect', () => session.setLocalWindowSize(sessionWindow))
      .on('remoteSettings', () => this.#onSettings(session))
      .on('goaway', (_code: number, lastStream: number) => (this.#lastStream = lastStream))
      .on('error', (error) => (this.#error = error))
      .on('close', () =>
        this.#end(this.#error === undefined ? new UpstreamError('reset') : this.#named(this.#error)),
      );
  }

  /** It stands with the first: an upstream that speaks HTTP/2 begins with them. */
  #onSettings(session: ClientHttp2Session): void {
    const before = this.room;
    this.room = Math.min(session.remoteSettings.maxConcurrentStreams ?? Infinity, mostStreams);
    if (this.#stands) {
      if (this.room > before) this.#owner.onRoom(this);
      return;
    }
    this.#stands = true;
    const waiting = [...this.#waiting];
    this.#waiting = new Set();
    this.#rest();
    const surplus = waiting.splice(this.room);
    for (const exchange of waiting) {
      exchange.mark('connect');
      this.#send(exchange);
    }
    if (surplus.length > 0) this.#owner.onSurplus(surplus);
    else this.#owner.onRoom(this);
  }

  #send(exchange: CarriedExchange): void {
    const session = this.#session;
    if (exchange.answer === undefined || session === undefined) return;
    const { head, body } = exchange;
    if (body?.framing === 'tunnel' && session.remoteSettings.enableConnectProtocol !== true)
      return later(exchange, 'no_tunnel');
    let stream: ClientHttp2Stream;
    try {
      stream = request(session, head, body, this.#origin.protocol.slice(0, -1));
    } catch (error) {
      // It has just ended, or has no stream left.
      if (this.closing || isExhausted(error)) {
        this.#closing = true;
        return process.nextTick(() =>
          this.#owner.onFailure(exchange, new UpstreamError('reset', error), 'unprocessed', this),
        );
      }
      return later(exchange, 'internal', error);
    }
    this.#carried += 1;
    if (this.#carried === 1) {
      this.#bytesHeard = this.#socket.bytesRead;
      this.#silentSince = performance.now();
    }
    this.deadline = Infinity;
    this.#streams.add(new ExchangeStream(stream, exchange, this.#timeouts, this));
  }

  onTunnel(): boolean {
    if (!this.#owner.onTunnel()) return false;
    this.tunnels += 1;
    return true;
  }

  onHead(stream: ExchangeStream): void {
    if (this.#headed.push(stream) > 1) return;
    setImmediate(() => {
      for (const headed of this.#headed.splice(0)) headed.gap();
    });
  }

  onLate(): void {
    this.#closing = true;
  }

  onLetGo(stream: ExchangeStream): void {
    this.#carried -= 1;
    this.#served = true;
    if (this.#carried === 0) this.#rest();
    if (stream.apart) {
      this.tunnels -= 1;
      this.#owner.onTunnelClosed();
    }
  }

  onClosed(stream: ExchangeStream): void {
    this.#streams.delete(stream);
    if (!this.#gone) this.#owner.onRoom(this);
  }

  onFailure(exchange: CarriedExchange, error: UpstreamError, fate: Fate): void {
    this.#owner.onFailure(exchange, error, fate, this);
  }

  causeOf(stream: ClientHttp2Stream, error: Error | undefined): Cause {
    const { rstCode, id = 0 } = stream;
    const reset = causeOfReset(rstCode, id > this.#lastStream, error);
    const dead = this.#gone || this.#session?.destroyed === true;
    if (!dead || reset.fate === 'unprocessed') return reset;
    return {
      error: error === undefined ? new UpstreamError('reset') : this.#named(error),
      fate: this.#served ? 'unheard' : 'unknown',
    };
  }

  /** Answers that came whole may wait for their readers; there is no use for half a connection to others. */
  #onEnd(): void {
    this.#closing = true;
    const error = new UpstreamError('reset');
    for (const stream of this.#streams) stream.cut(error, this.#served ? 'unheard' : 'unknown');
    if (this.#carried === 0) this.#end(error);
  }

  /** Nothing is under way: it is kept, or ends as soon as what was sent last is out. */
  #rest(): void {
    const closing = this.closing;
    this.deadline = performance.now() + (closing ? this.#timeouts.connectTimeout : keepIdle);
    if (closing) this.#session?.close();
  }

  #named(error: unknown): UpstreamError {
    return sessionError(error, this.#stands, this.#served);
  }

  #end(error: UpstreamError): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#closing = true;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    // Those whose fate can be told are told it by their own end.
    if (error.code === 'shutting_down') for (const stream of this.#streams) stream.fail(error, 'unknown');
    // Then nothing of the session is written any more.
    this.#socket.destroy();
    this.#owner.onGone(this);
    for (const exchange of waiting) exchange.fail(error);
  }
}
