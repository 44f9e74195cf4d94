import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import type { Limits } from '../config/schema.ts';
import type { Answer, RequestBody } from '../upstream/exchange.ts';
import type { UpstreamError } from '../upstream/failure.ts';
import { hasBody, watchedBody } from './body.ts';
import { headText } from './errors.ts';
import { headerRecord, requestHeaders, responseHeaders, withoutLength, type HeaderList } from './headers.ts';
import { makeLast } from './lingering-close.ts';
import { requestFacts, stampOf, type Session } from './session.ts';
import { answerTrailers } from './trailers.ts';
import { tunnelBody, tunnelHead, watchForEnd } from './upgrade.ts';

/** What all requests are forwarded with. */
export type ForwardParts = {
  limits: Limits;
  pseudonym: string;
  /** The header that carries the override, in lower case. */
  overrideHeader: string | undefined;
};

/**
 * Sends a decided request to its upstream and the answer back, both ways unbuffered and each way no faster than
 * the other side takes it. Every failure goes to `fail`, once.
 */
export function forward(
  req: IncomingMessage,
  res: ServerResponse,
  session: Session,
  parts: ForwardParts,
  fail: (error: unknown) => void,
): void {
  const { decision, target } = session;
  if (decision === undefined || target === undefined)
    return fail(new Error('forwarded before it was decided'));
  const { upstream } = decision;
  const body = bodyOf(req, res, session, parts, fail);
  session.exchange = upstream.pool.send(
    {
      method: req.method ?? 'GET',
      path: target.path === '*' ? '*' : upstream.basePath + target.path,
      headers: requestHeaders(req.rawHeaders, requestFacts(session, decision, req.headers.host, parts)),
    },
    body,
    new Relay(req, res, session, body, fail),
  );
}

function bodyOf(
  req: IncomingMessage,
  res: ServerResponse,
  session: Session,
  parts: ForwardParts,
  fail: (error: unknown) => void,
): RequestBody | undefined {
  if (session.upgrading) return tunnelBody(req.socket);
  return hasBody(req) ? watchedBody(req, res, parts, fail) : undefined;
}

/** A body up to this size that came with its head is sent as one string with it, in one write. */
const oneWrite = 16 * 1024;

/** Passes one answer on to the client, as fast as the client takes it. */
class Relay implements Answer {
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #session: Session;
  readonly #body: RequestBody | undefined;
  readonly #fail: (error: unknown) => void;
  /** Stops looking out for the end of a client that waits for its tunnel. */
  readonly #stopWatching: (() => void) | undefined;
  /** The head, while what came in one packet with it is still being read. */
  #head: Head | undefined;
  /** The body's first bytes, kept as long as the head. */
  #first: Buffer | string | undefined;
  #tunnel = false;
  /** Whether the rest of the answer waits for the client. */
  #heldBack = false;

  constructor(
    req: IncomingMessage,
    res: ServerResponse,
    session: Session,
    body: RequestBody | undefined,
    fail: (error: unknown) => void,
  ) {
    this.#req = req;
    this.#res = res;
    this.#session = session;
    this.#body = body;
    this.#fail = fail;
    this.#stopWatching = session.upgrading ? watchForEnd(req.socket) : undefined;
  }

  /** 100 goes to a client that waits for it, others to any that knows of them (RFC 9110 §15.2). */
  onInformational(status: number, raw: HeaderList): void {
    const [req, res, body] = [this.#req, this.#res, this.#body];
    if (res.destroyed || req.httpVersionMinor === 0) return;
    if (status !== 100) {
      const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`;
      req.socket.write(headText(line, responseHeaders(raw, undefined, undefined)), 'latin1');
    } else if (body?.held === true) {
      body.onContinue?.();
      res.writeContinue();
    }
  }

  onHead(status: number, reasonPhrase: string, raw: HeaderList): void {
    const [req, res, session] = [this.#req, this.#res, this.#session];
    if (res.destroyed) return;
    this.#stopWatching?.();
    const headers = responseHeaders(raw, stampOf(session), session.decision?.upstream.rewrite);
    if (status === 101) {
      this.#tunnel = true;
      session.status = status;
      req.socket.write(tunnelHead(headers, this.#body?.protocol), 'latin1');
      return;
    }
    // A client that is still sending would wait for us to read the rest.
    if (!req.complete || session.client.closing) makeLast(req, session.client, headers, false);
    this.#head = { status, reasonPhrase, headers: status === 204 ? withoutLength(headers) : headers };
    process.nextTick(release, this);
  }

  onData(chunk: Buffer): boolean {
    if (this.#res.destroyed) return false;
    if (this.#tunnel) return this.#writeTunnel(chunk);
    if (this.#head !== undefined && this.#first === undefined) {
      this.#first = chunk.length > oneWrite ? Buffer.from(chunk) : chunk.toString('latin1');
      return true;
    }
    this.release();
    return this.#write(Buffer.from(chunk));
  }

  onEnd(trailers: HeaderList): void {
    const [req, res] = [this.#req, this.#res];
    if (this.#tunnel) return void req.socket.end();
    if (res.destroyed) return;
    // What is left of a request whose answer is complete is thrown away.
    if (!req.complete) req.resume();
    const first = this.#takeFirst();
    if (trailers.length > 0 && res.chunkedEncoding) res.addTrailers(headerRecord(answerTrailers(trailers)));
    if (first === undefined) res.end();
    else res.end(first, 'latin1');
  }

  onError(error: UpstreamError): void {
    this.#stopWatching?.();
    this.#head = undefined;
    this.#fail(error);
  }

  /** Sends the head, and the first of the body if it came with it. */
  release(): void {
    if (this.#head === undefined || this.#res.destroyed) return;
    const first = this.#takeFirst();
    if (first === undefined) this.#res.flushHeaders();
    else this.#write(first);
  }

  /** Readies the head, if it has not left, and gives what came of the body with it. */
  #takeFirst(): Buffer | string | undefined {
    const head = this.#head;
    if (head === undefined) return undefined;
    const first = this.#first;
    this.#head = undefined;
    this.#first = undefined;
    this.#session.status = head.status;
    this.#res.writeHead(head.status, head.reasonPhrase, head.headers);
    return first;
  }

  #write(chunk: Buffer | string): boolean {
    return this.#res.write(chunk, 'latin1') || this.#holdBack(this.#res);
  }

  #writeTunnel(chunk: Buffer): boolean {
    const { socket } = this.#req;
    return socket.write(Buffer.from(chunk)) || this.#holdBack(socket);
  }

  /** The rest waits until the client has taken this; of TLS records that came together each is told so. */
  #holdBack(taker: Writable): false {
    if (this.#heldBack) return false;
    this.#heldBack = true;
    taker.once('drain', () => {
      this.#heldBack = false;
      this.#session.exchange?.resume();
    });
    return false;
  }
}

type Head = { status: number; reasonPhrase: string; headers: HeaderList };

const release = (relay: Relay) => relay.release();
