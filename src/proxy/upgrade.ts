import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { UpstreamError } from '../upstream/failure.ts';
import { headerRecord, requestHeaders, responseHeaders } from './headers.ts';
import { requestFacts, stampOf, type Session } from './session.ts';

/**
 * Mends what http-proxy's stock upgrade passes get wrong, before the upstream request leaves: its headers and
 * path are written anew, it gets a deadline, either side's end is the other's, and the answer is stamped.
 */
export function mendUpgrade(
  proxyReq: ClientRequest,
  req: IncomingMessage,
  socket: Socket,
  session: Session,
  overrideHeader: string | undefined,
): void {
  const { decision, target } = session;
  if (decision === undefined || target === undefined) return void proxyReq.destroy();
  const { upstream } = decision;
  // The stock pass writes heads as strings: header bytes are latin1.
  socket.setDefaultEncoding('latin1');
  rewriteHead(proxyReq, req, session, overrideHeader);
  proxyReq.path = upstream.basePath + target.path;

  const deadline = setTimeout(
    () => proxyReq.destroy(new UpstreamError('response_timeout')),
    upstream.connectTimeout + upstream.responseTimeout,
  );
  proxyReq.once('close', () => clearTimeout(deadline));
  session.exchange = { resume() {}, abort: () => proxyReq.destroy() };
  const stopWatching = watchForEnd(socket);

  proxyReq.prependOnceListener('upgrade', (answer, upstreamSocket) => {
    clearTimeout(deadline);
    stopWatching();
    session.status = 101;
    session.exchange = { resume() {}, abort: () => upstreamSocket.destroy() };
    rewriteAnswer(answer, session, [
      'Connection',
      'Upgrade',
      'Upgrade',
      answer.headers.upgrade ?? 'websocket',
    ]);
    upstreamSocket.once('error', () => socket.destroy());
    upstreamSocket.once('close', () => socket.destroySoon());
  });
  proxyReq.prependOnceListener('response', (answer) => {
    clearTimeout(deadline);
    session.status = answer.statusCode ?? 502;
    // The stock pass writes this head as it is and the body unframed after it.
    rewriteAnswer(answer, session, ['Connection', 'close']);
    answer.httpVersion = '1.1';
    answer.statusMessage = (answer.statusMessage ?? '').replaceAll(/[^\t\x20-\x7e]/g, '');
    answer.once('aborted', () => socket.destroy());
    answer.once('end', () => socket.destroySoon());
    answer.setTimeout(upstream.idleTimeout, () => answer.destroy());
  });
}

/**
 * Ends a client's connection when the client ends it, until the tunnel stands: nobody reads the socket before
 * that, so nobody would notice. Early bytes stay where they are, for the tunnel. Returns how to stop.
 */
function watchForEnd(socket: Socket): () => void {
  const onReadable = () => void socket.read(0);
  const onEnd = () => socket.destroy();
  socket.on('readable', onReadable).once('end', onEnd);
  return () => void socket.off('readable', onReadable).off('end', onEnd);
}

function rewriteHead(
  proxyReq: ClientRequest,
  req: IncomingMessage,
  session: Session,
  overrideHeader: string | undefined,
): void {
  if (session.decision === undefined) return;
  for (const name of proxyReq.getHeaderNames()) proxyReq.removeHeader(name);
  const facts = requestFacts(session, session.decision, req.headers.host, overrideHeader);
  const headers = requestHeaders(req.rawHeaders, facts);
  headers.push('Connection', 'Upgrade', 'Upgrade', 'websocket');
  for (let i = 0; i + 1 < headers.length; i += 2)
    proxyReq.appendHeader(headers[i] ?? '', headers[i + 1] ?? '');
}

function rewriteAnswer(answer: IncomingMessage, session: Session, own: string[]): void {
  const list = [...responseHeaders(answer.rawHeaders, stampOf(session)), ...own];
  Object.defineProperty(answer, 'headers', { value: headerRecord(list) });
}
