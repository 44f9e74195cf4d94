import type { RequestListener, Server, ServerOptions } from 'node:http';
import type { Socket } from 'node:net';

/**
 * How long a client may take: nobody who administers sends more than a head and a few kilobytes, in milliseconds. Without
 * it, each of a thousand clients that send a byte a second holds a descriptor that the proxy needs.
 */
export const deadlines: ServerOptions = {
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
};

/** A connection on which nothing moves for so long, in milliseconds, is dead: whoever looks on is written to each second. */
const silence = 30_000;

/** Open connections at the most. Nobody but a flood needs more, and the proxy needs descriptors, too. */
const mostConnections = 512;

/** Who is connected. */
export type Crowd = {
  /** Bounds the connections of a server. */
  bound(server: Server): void;
  /**
   * Serves one request of a connection at a time, and ends a connection that does not wait for its answer: whoever sends requests
   * and reads nothing would have thousands of answers kept for each packet.
   */
  inTurn(listener: (...asked: Parameters<RequestListener>) => Promise<unknown>): RequestListener;
  /** Tells of a connection that somebody has who may administer. */
  admit(socket: Socket): void;
};

/**
 * Over the bound the oldest stranger makes way, not the one who comes: a flood of strangers keeps neither probes out, which are
 * answered at once, nor whoever was admitted.
 */
export function createCrowd(): Crowd {
  const open = new Set<Socket>();
  const strangers = new Set<Socket>();
  const busy = new Set<Socket>();
  const forget = (socket: Socket) => {
    open.delete(socket);
    strangers.delete(socket);
    busy.delete(socket);
  };
  return {
    inTurn: (listener) => (req, res) => {
      const { socket } = req;
      // What came in one piece with the requests before is handed over all the same.
      if (socket.destroyed) return;
      if (busy.has(socket)) return void socket.destroy();
      busy.add(socket);
      res.once('close', () => busy.delete(socket));
      void listener(req, res);
    },
    admit: (socket) => void strangers.delete(socket),
    bound(server) {
      server.setTimeout(silence);
      // Node drops headers past its limit in silence, an Origin among them; the bytes of a head are bounded.
      server.maxHeadersCount = 0;
      server.on('connection', (socket: Socket) => {
        open.add(socket);
        strangers.add(socket);
        socket.once('close', () => forget(socket));
        if (open.size <= mostConnections) return;
        const [oldest = socket] = strangers;
        forget(oldest);
        oldest.destroy();
      });
    },
  };
}
