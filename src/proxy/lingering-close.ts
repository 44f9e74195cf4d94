import type { Socket } from 'node:net';

/** Milliseconds in which a client that is still sending may read its answer. */
export const lingering = 5000;

/**
 * Ends a connection whose client may still be sending: what is written goes out, then what arrives is thrown away
 * until the client ends too, for a while. Closed at once, its next bytes would be answered by a reset, which takes
 * the answer with it (RFC 9112 §9.6).
 */
export function closeLingering(socket: Socket): void {
  socket.end();
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), lingering);
  socket.once('end', () => socket.destroy()).once('close', () => clearTimeout(timer));
}
