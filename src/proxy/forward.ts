import type { IncomingMessage, ServerResponse } from 'node:http';
import { UpstreamError } from '../upstream/failure.ts';
import type { Answer, Exchange, RequestBody } from '../upstream/pool.ts';
import { headerRecord, requestHeaders, responseHeaders, type HeaderList } from './headers.ts';
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
  const exchange = upstream.pool.send(
    {
      method: req.method ?? 'GET',
      path: upstream.basePath + target.path,
      headers: requestHeaders(
        req.rawHeaders,
        requestFacts(session, decision, req.headers.host, overrideHeader),
      ),
    },
    bodyOf(req),
    relayTo(req, res, session, fail, () => exchange),
  );
  session.cancel = () => exchange.abort();
}

/**
 * The request's body, undefined when it has none. Giving up on it leaves the client's connection standing, so
 * that the answer can still go out.
 */
function bodyOf(req: IncomingMessage): RequestBody | undefined {
  const { 'transfer-encoding': coding, 'content-length': length } = req.headers;
  if (coding === undefined && (length === undefined || length === '0')) return undefined;
  return { [Symbol.asyncIterator]: () => req.iterator({ destroyOnReturn: false }) };
}

function relayTo(
  req: IncomingMessage,
  res: ServerResponse,
  session: Session,
  fail: (error: unknown) => void,
  exchange: () => Exchange,
): Answer {
  let bodyBegun = false;
  const resume = () => exchange().resume();
  return {
    onInformational() {},
    onHead(status, reasonPhrase, raw) {
      if (res.destroyed) return;
      const headers = responseHeaders(raw, stampOf(session));
      // A client that is still sending would wait for us to read the rest.
      if (!req.complete || session.client.closing) headers.push('Connection', 'close');
      if (!writeHead(res, status, reasonPhrase, headers)) {
        exchange().abort();
        return fail(new UpstreamError('bad_response'));
      }
      session.status = status;
      // The head goes out with the first of the body when that came in the same packet, else at once.
      process.nextTick(() => {
        if (!bodyBegun && !res.writableEnded) res.flushHeaders();
      });
    },
    onData(chunk) {
      if (res.destroyed) return false;
      bodyBegun = true;
      if (res.write(chunk)) return true;
      res.once('drain', resume);
      return false;
    },
    onEnd(trailers) {
      if (trailers.length > 0 && res.chunkedEncoding && !addTrailers(res, trailers))
        return fail(new UpstreamError('bad_response'));
      res.end();
    },
    onError: fail,
  };
}

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
