import type { IncomingMessage, ServerResponse } from 'node:http';
import { UpstreamError } from '../upstream/failure.ts';
import type { Answer, RequestBody } from '../upstream/pool.ts';
import { headerRecord, requestHeaders, responseHeaders, trailerHeaders, type HeaderList } from './headers.ts';
import { requestFacts, stampOf, type Session } from './session.ts';

/**
 * Sends a decided request to its upstream and the answer back, both ways unbuffered and each way no faster than
 * the other side takes it. Every failure goes to `fail`, once.
 */
export function forward(
  req: IncomingMessage,
  res: ServerResponse,
  session: Session,
  overrideHeader: string | undefined,
  fail: (error: unknown) => void,
): void {
  const { decision, target } = session;
  if (decision === undefined || target === undefined)
    return fail(new Error('forwarded before it was decided'));
  const { upstream } = decision;
  session.exchange = upstream.pool.send(
    {
      method: req.method ?? 'GET',
      path: upstream.basePath + target.path,
      headers: requestHeaders(
        req.rawHeaders,
        requestFacts(session, decision, req.headers.host, overrideHeader),
      ),
    },
    bodyOf(req),
    new Relay(req, res, session, fail),
  );
}

/**
 * The request's body, undefined when it has none. Giving up on it leaves the client's connection standing, so
 * that the answer can still go out.
 */
function bodyOf(req: IncomingMessage): RequestBody | undefined {
  if (!hasBody(req)) return undefined;
  return { [Symbol.asyncIterator]: () => req.iterator({ destroyOnReturn: false }) };
}

export function hasBody({ headers }: IncomingMessage): boolean {
  const { 'transfer-encoding': coding, 'content-length': length } = headers;
  return coding !== undefined || (length !== undefined && length !== '0');
}

/** A body up to this size that came with its head is sent as one string with it, in one write. */
const oneWrite = 16 * 1024;

/** Passes one answer on to the client, as fast as the client takes it. */
class Relay implements Answer {
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #session: Session;
  readonly #fail: (error: unknown) => void;
  /** Whether what came in one packet with the head is still being read. */
  #fresh = false;
  /** The body's first bytes, kept while `#fresh`. */
  #first: Buffer | undefined;

  constructor(req: IncomingMessage, res: ServerResponse, session: Session, fail: (error: unknown) => void) {
    this.#req = req;
    this.#res = res;
    this.#session = session;
    this.#fail = fail;
  }

  onInformational(): void {}

  onHead(status: number, reasonPhrase: string, raw: HeaderList): void {
    const session = this.#session;
    if (this.#res.destroyed) return;
    const headers = responseHeaders(raw, stampOf(session));
    // A client that is still sending would wait for us to read the rest.
    if (!this.#req.complete || session.client.closing) headers.push('Connection', 'close');
    if (!writeHead(this.#res, status, reasonPhrase, headers)) {
      session.exchange?.abort();
      return this.#fail(new UpstreamError('bad_response'));
    }
    session.status = status;
    this.#fresh = true;
    process.nextTick(release, this);
  }

  onData(chunk: Buffer): boolean {
    if (this.#res.destroyed) return false;
    if (this.#fresh && this.#first === undefined) {
      this.#first = chunk;
      return true;
    }
    this.release();
    return this.#write(chunk);
  }

  onEnd(trailers: HeaderList): void {
    const res = this.#res;
    if (trailers.length > 0 && res.chunkedEncoding && !addTrailers(res, trailerHeaders(trailers)))
      return this.#fail(new UpstreamError('bad_response'));
    const first = this.#first;
    this.#fresh = false;
    this.#first = undefined;
    if (first === undefined) res.end();
    else if (first.length > oneWrite) res.end(first);
    else res.end(first.toString('latin1'), 'latin1');
  }

  onError(error: UpstreamError): void {
    this.#first = undefined;
    this.#fail(error);
  }

  /** Sends the head, and the first of the body if it came with it. */
  release(): void {
    if (!this.#fresh) return;
    this.#fresh = false;
    const first = this.#first;
    this.#first = undefined;
    if (this.#res.destroyed) return;
    if (first === undefined) this.#res.flushHeaders();
    else this.#write(first);
  }

  #write(chunk: Buffer): boolean {
    if (this.#res.write(chunk)) return true;
    this.#res.once('drain', () => this.#session.exchange?.resume());
    return false;
  }
}

const release = (relay: Relay) => relay.release();

/** False when a name, a value or the reason phrase holds what cannot stand in a head. */
function writeHead(res: ServerResponse, status: number, reasonPhrase: string, headers: HeaderList): boolean {
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(reasonPhrase)) return false;
  try {
    res.writeHead(status, reasonPhrase, headers);
    return true;
  } catch {
    // writeHead keeps the phrase it failed with; the answer of ours that follows must not.
    res.statusMessage = '';
    return false;
  }
}

function addTrailers(res: ServerResponse, trailers: HeaderList): boolean {
  try {
    res.addTrailers(headerRecord(trailers));
    return true;
  } catch {
    return false;
  }
}
