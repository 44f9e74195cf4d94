import { Pool, type Dispatcher } from 'undici';
import { UpstreamError, upstreamError } from './failure.ts';

/** Timeouts in milliseconds. */
export type PoolOptions = {
  connectTimeout: number;
  responseTimeout: number;
  idleTimeout: number;
  maxConnections: number;
};

/** A request as it goes on the wire; `headers` alternate names and values and hold no framing but Content-Length. */
export type RequestHead = { method: string; path: string; headers: string[] };

/** A body that is read as fast as the upstream takes it. */
export type RequestBody = AsyncIterable<Uint8Array>;

/**
 * What an exchange reports, in this order: any number of informational heads, one head, data, then either the
 * end with the trailers or, at any moment, one error. Headers and trailers alternate names and values.
 */
export type Answer = {
  onInformational(status: number, headers: string[]): void;
  onHead(status: number, reasonPhrase: string, headers: string[]): void;
  /** Returns false to hold the rest back until `resume`. */
  onData(chunk: Buffer): boolean;
  onEnd(trailers: string[]): void;
  onError(error: UpstreamError): void;
};

/** An exchange under way. After `abort` nothing more is reported. */
export type Exchange = { resume(): void; abort(): void };

/** Connections to one upstream, kept alive between exchanges. */
export type UpstreamPool = {
  send(head: RequestHead, body: RequestBody | undefined, answer: Answer): Exchange;
  /** Ends idle connections at once and the others with their exchange. */
  close(): Promise<void>;
  /** Cuts every connection. */
  destroy(): Promise<void>;
};

export function createPool(origin: URL, options: PoolOptions): UpstreamPool {
  const pool = new Pool(origin.origin, {
    connections: options.maxConnections,
    pipelining: 1,
    connect: { timeout: options.connectTimeout },
    // Deadlines are kept below: undici's stop while a body is paused, begin anew with every informational answer,
    // and make a timer and a weak reference for each phase of each request.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    send(head, body, answer) {
      const exchange = new UndiciExchange(answer, options);
      try {
        pool.dispatch(
          {
            method: head.method,
            path: head.path,
            headers: head.headers,
            // undici's runtime takes any async iterable; its types name only a few.
            body: (body === undefined ? null : exchange.watched(body)) as Dispatcher.DispatchOptions['body'] &
              RequestBody,
          },
          exchange,
        );
      } catch (error) {
        exchange.onError(error);
      }
      return exchange;
    },
    close: () => pool.close(),
    destroy: () => pool.destroy(),
  };
}

/**
 * One dispatch. It speaks undici's older handler interface, which is the one its core calls: header names and
 * repeated headers arrive as they were sent, where the newer one gives a lower-cased object.
 */
class UndiciExchange implements Exchange, Dispatcher.DispatchHandler {
  #answer: Answer | undefined;
  #abort: ((error?: Error) => void) | undefined;
  #resume: (() => void) | undefined;
  readonly #responseTimeout: number;
  readonly #idleTimeout: number;
  #timer: NodeJS.Timeout;
  /** When the body last moved; 0 before the head. */
  #movedAt = 0;

  constructor(answer: Answer, { responseTimeout, idleTimeout }: PoolOptions) {
    this.#answer = answer;
    this.#responseTimeout = responseTimeout;
    this.#idleTimeout = idleTimeout;
    this.#timer = setTimeout(expire, responseTimeout, this);
  }

  resume(): void {
    this.#movedAt = performance.now();
    this.#resume?.();
  }

  #beginBody(): void {
    this.#movedAt = performance.now();
    // A timer that fires sooner finds out itself how long there is left.
    if (this.#idleTimeout >= this.#responseTimeout) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(expire, this.#idleTimeout, this);
  }

  /** The body, putting the deadline for the answer off while it moves. */
  async *watched(body: RequestBody): RequestBody {
    for await (const chunk of body) {
      this.#timer.refresh();
      yield chunk;
    }
  }

  /** The timer fired: for the head it is the deadline, in the body a time to look whether it still moves. */
  expire(): void {
    const left = this.#movedAt === 0 ? 0 : this.#movedAt + this.#idleTimeout - performance.now();
    if (left > 0) {
      this.#timer = setTimeout(expire, left, this);
      return;
    }
    const abort = this.#abort;
    const error = new UpstreamError(this.#movedAt === 0 ? 'response_timeout' : 'idle_timeout');
    this.#finish()?.onError(error);
    abort?.(error);
  }

  abort(): void {
    const abort = this.#abort;
    if (this.#finish() !== undefined) abort?.(new UpstreamError('request_cut'));
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#abort = abort;
    if (this.#answer === undefined) abort(new UpstreamError('request_cut'));
  }

  onHeaders(status: number, headers: Buffer[], resume: () => void, reasonPhrase: string): boolean {
    if (status >= 200) this.#beginBody();
    this.#resume = resume;
    if (status < 200) this.#answer?.onInformational(status, asText(headers));
    else this.#answer?.onHead(status, reasonPhrase, asText(headers));
    return this.#answer !== undefined;
  }

  onData(chunk: Buffer): boolean {
    this.#movedAt = performance.now();
    return this.#answer?.onData(chunk) ?? false;
  }

  onUpgrade(_status: number, _headers: Buffer[] | string[] | null, socket: { destroy(): unknown }): void {
    socket.destroy();
    this.onError(new UpstreamError('bad_response'));
  }

  onComplete(trailers: Buffer[] | string[] | null): void {
    this.#finish()?.onEnd(trailers === null ? [] : asText(trailers));
  }

  onError(error: unknown): void {
    this.#finish()?.onError(upstreamError(error));
  }

  /**
   * Lets go of everything, so that nothing more is reported. undici keeps a handler beyond its exchange: what hung on
   * it would outlive the young generation, and cost a full collection later (3 KB a request, when measured).
   */
  #finish(): Answer | undefined {
    const answer = this.#answer;
    clearTimeout(this.#timer);
    this.#answer = undefined;
    this.#abort = undefined;
    this.#resume = undefined;
    return answer;
  }
}

const expire = (exchange: UndiciExchange) => exchange.expire();

function asText(parts: readonly (Buffer | string)[]): string[] {
  return parts.map((part) => (typeof part === 'string' ? part : part.toString('latin1')));
}
