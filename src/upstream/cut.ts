import type { Socket } from 'node:net';

type Handle = { close(done?: () => void): void; reset?(done?: () => void): number };

/**
 * Ends a connection with a reset, so that its other end does not take it for a proper end. Node resets plain TCP alone
 * (ERR_INVALID_HANDLE_TYPE), and many a TLS program takes a connection that just ends for one that has said all. So the TCP below
 * is reset, which Node keeps under a name of its own; where it is not to be found, the connection just ends.
 */
export function cut(socket: Socket): void {
  // What has said that it is done is not reset any more: libuv refuses to, and Node then forgets to close it.
  if (socket.writableEnded) return void socket.destroy();
  if (!('encrypted' in socket)) return void socket.resetAndDestroy();
  const tcp = (socket as { _handle?: { _parent?: Partial<Handle> } | null })._handle?._parent;
  if (typeof tcp?.close === 'function' && typeof tcp.reset === 'function') {
    const { close, reset } = tcp;
    // TLS closes what is below it as it is destroyed.
    tcp.close = (done) => {
      if (reset.call(tcp, done) !== 0) close.call(tcp, done);
    };
  }
  socket.destroy();
}
