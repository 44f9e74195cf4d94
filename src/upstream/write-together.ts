import type { Writable } from 'node:stream';

/** Connections at the most that wait: none waits for longer than it takes to serve so many requests. */
const most = 64;

let waiting: Writable[] = [];
let turn: NodeJS.Immediate | undefined;

/**
 * Has what is written to a connection from here on go out at the end of this turn of the event loop, or once enough
 * others wait. Whoever reads a connection has to be woken for what is written to it, unless it is awake still from what
 * was written to another a moment ago: a peer that is told all at once costs the system less than one that is told, and
 * falls asleep, and is told again. A turn that serves one request alone writes as soon as ever.
 */
export function writeTogether(connection: Writable): void {
  connection.cork();
  waiting.push(connection);
  if (waiting.length >= most) return release();
  turn ??= setImmediate(release);
}

function release(): void {
  if (turn !== undefined) clearImmediate(turn);
  turn = undefined;
  const connections = waiting;
  waiting = [];
  for (const connection of connections) connection.uncork();
}
