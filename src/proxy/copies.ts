/** Bytes of a copy's room, as much as one read brings. */
const room = 64 * 1024;
/** Smaller pieces are not worth so much room. */
const worthIt = 16 * 1024;
/** Rooms at the most that are kept. */
const most = 64;

const free: ArrayBuffer[] = [];

/**
 * A copy of what was lent, to be given back once it is written. What lies outside of V8's heap makes it collect garbage: for
 * large bodies, which are nothing but such copies, that took more than all that is done with them.
 */
export function copyOf(piece: Buffer): Buffer {
  if (piece.length < worthIt || piece.length > room) return Buffer.from(piece);
  const copy = Buffer.from(free.pop() ?? new ArrayBuffer(room), 0, piece.length);
  piece.copy(copy);
  return copy;
}

/** Nobody looks at this copy any more. A small one lies in a room of Node's, with others. */
export function giveBack({ length, buffer }: Buffer): void {
  if (length < worthIt || length > room || free.length >= most) return;
  free.push(buffer as ArrayBuffer);
}
