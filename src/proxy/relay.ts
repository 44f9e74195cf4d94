import { isEventStream } from '../upstream/connection.ts';
import type { Answer, RequestBody } from '../upstream/exchange.ts';
import { UpstreamError } from '../upstream/failure.ts';
import { grpcStatusOf, isGrpc } from './grpc.ts';
import { responseHeaders, withoutLength, type HeaderList } from './headers.ts';
import type { Request, Response } from './message.ts';
import { stampOf, type Session } from './session.ts';
import { answerTrailers } from './trailers.ts';
import { createFrames, goingAway, type Frames } from './websocket-frames.ts';

/** A body up to this size that came with its head is sent as one string with it, in one write. */
const oneWrite = 16 * 1024;

/** Passes one answer on to the client, as fast as the client takes it. */
export class Relay implements Answer {
  readonly #req: Request;
  readonly #res: Response;
  readonly #session: Session;
  readonly #body: RequestBody | undefined;
  readonly #fail: (error: unknown) => void;
  /** Stops looking out for the end of a client that waits for its tunnel. */
  readonly #stopWatching: (() => void) | undefined;
  /** The head, while what came in one packet with it is still being read. */
  #head: Head | undefined;
  /** The body's first bytes, kept as long as the head. */
  #first: Buffer | string | undefined;
  /** The answer's own headers, which have a say in its trailers. */
  #headers: HeaderList = [];
  #tunnel = false;
  /** Follows the upstream's frames in a tunnel. */
  #frames: Frames | undefined;
  /** Whether the client is to be told that the proxy goes, and whether it has been told: then nothing may follow. */
  #leaving: 'no' | 'at the next border' | 'told' = 'no';
  /** Whether the rest of the answer waits for the client. */
  #heldBack = false;

  constructor(
    req: Request,
    res: Response,
    session: Session,
    body: RequestBody | undefined,
    fail: (error: unknown) => void,
  ) {
    this.#req = req;
    this.#res = res;
    this.#session = session;
    this.#body = body;
    this.#fail = fail;
    this.#stopWatching = session.upgrading ? res.watchForEnd() : undefined;
  }

  /** 100 goes to a client that waits for it, others to any that knows of them (RFC 9110 §15.2). */
  onInformational(status: number, raw: HeaderList): void {
    const [res, body] = [this.#res, this.#body];
    if (res.destroyed || this.#req.httpVersion === '1.0') return;
    if (status !== 100) res.inform(status, withoutLength(responseHeaders(raw, undefined, undefined)));
    else if (body?.held === true) {
      body.onContinue?.();
      res.writeContinue();
    }
  }

  onHead(status: number, reasonPhrase: string, raw: HeaderList): void {
    const [req, res, session] = [this.#req, this.#res, this.#session];
    if (res.destroyed) return;
    this.#stopWatching?.();
    this.#headers = raw;
    session.answered = status;
    const headers = responseHeaders(raw, stampOf(session), session.decision?.upstream.rewrite);
    if (status === 101) {
      this.#tunnel = true;
      session.status = status;
      if (!res.openTunnel(headers)) return this.#fail(new UpstreamError('bad_response'));
      this.#frames = createFrames();
      session.client.sayGoingAway = () => this.#sayGoingAway();
      return;
    }
    // A client that is still sending would wait for us to read the rest.
    if (!req.complete || session.client.closing) res.makeLast(session.client, headers, false);
    this.#head = { status, reasonPhrase, headers: status === 204 ? withoutLength(headers) : headers };
  }

  onData(chunk: Buffer): boolean {
    if (this.#res.destroyed) return false;
    if (this.#tunnel) return this.#writeTunnel(chunk);
    if (this.#head !== undefined && this.#first === undefined) {
      this.#first = chunk.length > oneWrite ? Buffer.from(chunk) : chunk.toString('latin1');
      return true;
    }
    this.onGap();
    return this.#res.writeLent(chunk) || this.#holdBack(this.#res);
  }

  onEnd(trailers: HeaderList): void {
    const [req, res] = [this.#req, this.#res];
    if (this.#tunnel) return void res.tunnel.end();
    if (res.destroyed) return;
    if (isGrpc(req.headers['content-type']))
      this.#session.grpcStatus = grpcStatusOf(this.#session.answered, this.#headers, trailers);
    // What is left of a request whose answer is complete is thrown away.
    if (!req.complete) req.resume();
    const first = this.#first;
    if (!this.#readyHead()) return;
    if (trailers.length > 0 && res.chunkedEncoding) res.setTrailers(answerTrailers(trailers, this.#headers));
    res.end(first ?? '', 'latin1');
  }

  onError(error: UpstreamError): void {
    this.#stopWatching?.();
    this.#head = undefined;
    this.#fail(error);
  }

  /** Sends the head, and the first of the body if it came with it. */
  onGap(): void {
    if (this.#head === undefined || this.#res.destroyed) return;
    const first = this.#first;
    if (!this.#readyHead()) return;
    // Node's flushHeaders would write the head in UTF-8, and change its bytes above ASCII.
    this.#write(first ?? '');
  }

  /** Has the head go out with what is written next, if it has not yet; false when it cannot. */
  #readyHead(): boolean {
    const head = this.#head;
    if (head === undefined) return true;
    this.#head = undefined;
    this.#first = undefined;
    try {
      this.#res.setHead(head.status, head.reasonPhrase, head.headers);
    } catch (error) {
      // What was read strictly can be written; were it not so, it must not end the process.
      this.#fail(error);
      return false;
    }
    const session = this.#session;
    session.status = head.status;
    // Not the upstream's slowness: a version with less traffic has to connect more often.
    const connecting = session.exchange?.timings.connect ?? 0;
    if (!session.upgrading && !isEventStream(this.#headers))
      session.headMs = performance.now() - session.startedAt - connecting;
    return true;
  }

  #write(chunk: Buffer | string): boolean {
    return this.#res.write(chunk, 'latin1') || this.#holdBack(this.#res);
  }

  #writeTunnel(chunk: Buffer): boolean {
    const { tunnel } = this.#res;
    const border = this.#frames?.take(chunk) ?? -1;
    if (this.#leaving !== 'no') {
      if (this.#leaving === 'told' || !tunnel.writable) return true;
      if (border >= 0) {
        this.#leaving = 'told';
        return (
          this.#res.writeTunnel(Buffer.concat([chunk.subarray(0, border), goingAway])) ||
          this.#holdBack(tunnel)
        );
      }
    }
    return this.#res.writeTunnel(Buffer.from(chunk)) || this.#holdBack(tunnel);
  }

  /** Between two frames of the upstream. The client answers with a Close of its own, which ends the upstream's side as well. */
  #sayGoingAway(): void {
    this.#session.client.sayGoingAway = undefined;
    this.#leaving = 'at the next border';
    if (this.#frames?.take(nothing) === 0) this.#writeTunnel(nothing);
  }

  /** The rest waits until the client has taken this; of TLS records that came together each is told so. */
  #holdBack(taker: Pick<Response, 'once'>): false {
    if (this.#heldBack) return false;
    this.#heldBack = true;
    taker.once('drain', () => {
      this.#heldBack = false;
      this.#session.exchange?.resume();
    });
    return false;
  }
}

const nothing = Buffer.alloc(0);

type Head = { status: number; reasonPhrase: string; headers: HeaderList };
