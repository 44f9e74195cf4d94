import type { Server, ServerOptions } from 'node:http';
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

/** Open connections at the most. More than are accepted at a time, so that each gets a turn to say what it wants. */
const mostConnections = 512;

/** Connections that wait to be accepted. */
export const backlog = 128;

/** Who is connected. */
export type Crowd = {
  /** Bounds the connections of a server. */
  bound(server: Server): void;
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
  const forget = (socket: Socket) => {
    open.delete(socket);
    strangers.delete(socket);
  };
  return {
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
