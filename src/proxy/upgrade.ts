import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { RequestBody } from '../upstream/exchange.ts';
import { headText } from './errors.ts';
import { Http1Response, webSocket, type Http1Request } from './http1-message.ts';
import { closeLingering } from './lingering-close.ts';

/** Whether a request that wishes for another protocol is one to be served so: WebSocket, from HTTP/1.1 on (RFC 6455 §4.2.1). */
export const isWebSocket = (req: IncomingMessage): boolean =>
  req.method === 'GET' && req.httpVersion === '1.1' && req.headers.upgrade?.toLowerCase() === webSocket;

/**
 * A response object for a request that Node has taken out of its server: until the upstream agrees, its answer is one
 * like any other, after which the connection ends.
 */
export function responseFor(req: Http1Request, socket: Socket, head: Buffer): Http1Response {
  if (head.length > 0) socket.unshift(head);
  const res = new Http1Response(req);
  res.shouldKeepAlive = false;
  res.assignSocket(socket);
  const onDrain = () => res.emit('drain');
  socket.on('drain', onDrain);
  res.once('finish', () => {
    socket.off('drain', onDrain);
    closeLingering(socket);
  });
  return res;
}

export const tunnelBody = (stream: Duplex): RequestBody => ({
  framing: 'tunnel',
  stream,
  protocol: webSocket,
});

/**
 * Serves a request that wished for another protocol as if it had not: HTTP allows that (RFC 9110 §7.8), and Java's
 * client wishes for h2c on every first request. Newer Nodes ask `shouldUpgradeCallback`; older ones have taken the
 * head out of the parser, so it is put back without the wish.
 */
export function serveWithoutUpgrade(
  server: { emit(event: 'connection', socket: Socket): unknown },
  req: IncomingMessage,
  socket: Socket,
  head: Buffer,
): void {
  const headers: string[] = [];
  for (let i = 0; i + 1 < req.rawHeaders.length; i += 2) {
    const name = req.rawHeaders[i] ?? '';
    let value = req.rawHeaders[i + 1] ?? '';
    if (/^(upgrade|http2-settings)$/i.test(name)) continue;
    if (/^connection$/i.test(name)) value = withoutWish(value);
    headers.push(name, value);
  }
  const line = `${req.method} ${req.url} HTTP/${req.httpVersion}`;
  socket.unshift(Buffer.concat([Buffer.from(headText(line, headers), 'latin1'), head]));
  server.emit('connection', socket);
}

/** Members of a Connection header, without those that wish: `x-upgrade-id` is none of them. */
const withoutWish = (value: string): string =>
  value
    .split(',')
    .filter((member) => !/^\s*(upgrade|http2-settings)\s*$/i.test(member))
    .join(',');
