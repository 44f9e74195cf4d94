import type { Socket } from 'node:net';
import type { Client } from './trust.ts';

/** Milliseconds between two looks, and beyond what a client was told: its next request may be on its way. */
const everySoOften = 500;

/** How many bytes had come at the last look that saw more of them than the one before, and when that was. */
type Seen = { client: Client; bytes: number; at: number };

/**
 * Ends connections of HTTP/1.1 that have been silent for `keepAliveTimeout` milliseconds since their last answer. One timer looks at
 * all of them; Node would set one anew for each request, twice.
 */
export function createIdleClients(keepAliveTimeout: () => number): (socket: Socket, client: Client) => void {
  const connections = new Map<Socket, Seen>();
  let looking: NodeJS.Timeout | undefined;

  function look(): void {
    const now = performance.now();
    const since = now - keepAliveTimeout() - everySoOften;
    for (const [socket, seen] of connections) {
      const { client } = seen;
      // Not always the head of a request, which has a time limit of its own.
      if (socket.bytesRead !== seen.bytes) {
        seen.bytes = socket.bytesRead;
        seen.at = now;
      }
      if (client.busy === 0 && client.idleSince < since && seen.at < since) socket.destroy();
    }
    if (connections.size > 0) return;
    clearInterval(looking);
    looking = undefined;
  }

  return (socket, client) => {
    connections.set(socket, { client, bytes: 0, at: 0 });
    socket.once('close', () => connections.delete(socket));
    looking ??= setInterval(look, everySoOften).unref();
  };
}
