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
    headersTimeout: options.responseTimeout,
    bodyTimeout: options.idleTimeout,
  });
  return {
    send(head, body, answer) {
      const exchange = new UndiciExchange(answer);
      try {
        pool.dispatch(
          {
            method: head.method,
            path: head.path,
            headers: head.headers,
            // undici's runtime takes any async iterable; its types name only a few.
            body: (body ?? null) as Dispatcher.DispatchOptions['body'] & RequestBody,
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

  constructor(answer: Answer) {
    this.#answer = answer;
  }

  resume(): void {
    this.#resume?.();
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
    this.#resume = resume;
    if (status < 200) this.#answer?.onInformational(status, asText(headers));
    else this.#answer?.onHead(status, reasonPhrase, asText(headers));
    return this.#answer !== undefined;
  }

  onData(chunk: Buffer): boolean {
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
    this.#answer = undefined;
    this.#abort = undefined;
    this.#resume = undefined;
    return answer;
  }
}

function asText(parts: readonly (Buffer | string)[]): string[] {
  return parts.map((part) => (typeof part === 'string' ? part : part.toString('latin1')));
}
