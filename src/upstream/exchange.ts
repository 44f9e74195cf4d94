import type { Readable } from 'node:stream';
import { UpstreamError, type FailureCode } from './failure.ts';

/** A request as it goes on the wire. `headers` alternate names and values; Content-Length may be among them. */
export type RequestHead = { method: string; path: string; headers: string[] };

/**
 * What follows a request's head: a body as long as its Content-Length says, a body in chunks, or, once the upstream
 * has agreed, a tunnel. It is read as fast as the upstream takes it.
 */
export type RequestBody = {
  framing: 'length' | 'chunked' | 'tunnel';
  stream: Readable;
  /** Whether its sender waits for 100 (Continue) before it sends. */
  held?: boolean;
  /** To be called when 100 (Continue) is passed on. */
  onContinue?(): void;
  /** Told of each piece before it is sent on. */
  onChunk?(chunk: Buffer): void;
  /** Asked for once a chunked body has ended. */
  trailers?(): string[];
  /** The protocol asked for, in lower case; a tunnel has one. */
  protocol?: string;
};

/**
 * What an exchange reports, in this order: any number of informational heads, one head, data, then either the
 * end with the trailers or, at any moment, one error. Headers and trailers alternate names and values. A head of 101
 * is that of a tunnel: the data is what comes through it.
 */
export type Answer = {
  onInformational(status: number, headers: string[]): void;
  onHead(status: number, reasonPhrase: string, headers: string[]): void;
  /** `chunk` is lent for the call. Returns false to hold the rest back until `resume`. */
  onData(chunk: Buffer): boolean;
  /** All that arrived together has been reported, and more is to come. */
  onGap(): void;
  onEnd(trailers: string[]): void;
  onError(error: UpstreamError): void;
};

/** Milliseconds from the start of the exchange. */
export type Timings = {
  /** Until its connection stood; undefined on a kept one. */
  connect: number | undefined;
  /** Until the first byte of the answer; undefined before it. */
  firstByte: number | undefined;
  /** Until the end; undefined before it. */
  total: number | undefined;
};

/** An exchange under way. After `abort` nothing more is reported. */
export type Exchange = {
  readonly timings: Timings;
  /** How often the request was sent again. */
  readonly resends: number;
  /** Whether the answer has come to its end. */
  readonly whole: boolean;
  resume(): void;
  abort(): void;
};

/** Methods that may be sent twice (RFC 9110 §9.2.2). */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** Whether a request may be sent again when its connection turned out to be dead. */
export const isReplayable = (method: string, body: RequestBody | undefined): boolean =>
  body === undefined && idempotent.has(method);

/** What holds an exchange: a place in the queue, or a connection. */
export type Carrier = { resume(): void; drop(exchange: CarriedExchange): void };

/** An exchange as the pool and its connections see it. It lets go of its answer when it is over. */
export class CarriedExchange implements Exchange {
  readonly head: RequestHead;
  readonly body: RequestBody | undefined;
  readonly startedAt = performance.now();
  readonly timings: Timings = { connect: undefined, firstByte: undefined, total: undefined };
  resends = 0;
  whole = false;
  answer: Answer | undefined;
  carrier: Carrier | undefined;
  /** Whether it may still be sent again. */
  replayable: boolean;
  /** When its place in the queue expires. */
  waitsUntil = 0;

  constructor(head: RequestHead, body: RequestBody | undefined, answer: Answer) {
    this.head = head;
    this.body = body;
    this.answer = answer;
    this.replayable = isReplayable(head.method, body);
  }

  /** `now` is the clock of `performance.now()`, which takes longer to ask than to be told. */
  mark(time: keyof Timings, now = performance.now()): void {
    this.timings[time] = now - this.startedAt;
  }

  resume(): void {
    if (this.answer !== undefined) this.carrier?.resume();
  }

  abort(): void {
    const { carrier } = this;
    if (this.finish() !== undefined) carrier?.drop(this);
  }

  end(trailers: string[], now?: number): void {
    this.whole = true;
    this.finish(now)?.onEnd(trailers);
  }

  fail(error: UpstreamError): void {
    this.finish()?.onError(error);
  }

  /** Nothing more is reported. */
  finish(now?: number): Answer | undefined {
    const { answer } = this;
    if (answer !== undefined) this.mark('total', now);
    this.answer = undefined;
    this.carrier = undefined;
    return answer;
  }
}

/** Fails an exchange once its sender knows of it. */
export function later(exchange: CarriedExchange, code: FailureCode, cause?: unknown): void {
  process.nextTick(() => exchange.fail(new UpstreamError(code, cause)));
}
