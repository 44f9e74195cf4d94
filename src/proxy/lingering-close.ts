import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { HeaderList } from './headers.ts';
import type { Client } from './trust.ts';

/** Milliseconds in which a client that is still sending may read its answer. */
const lingering = 5000;

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

/**
 * Makes the answer with these headers the last of its connection: nothing behind its request is served, and what is
 * still to come of it is thrown away. `suspect` when the request was refused, and more like it may follow.
 */
export function makeLast(req: IncomingMessage, client: Client, headers: HeaderList, suspect: boolean): void {
  headers.push('Connection', 'close');
  client.last = true;
  if (req.complete && !suspect) return;
  const { socket } = req;
  // Node calls this once the answer is written.
  socket.destroySoon = () => closeLingering(socket);
}
