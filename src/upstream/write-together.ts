/** Somebody with something to write. */
export type Writer = { writeHeld(): void };

/** Writers at the most that wait: none waits for longer than it takes to serve so many requests. */
const most = 64;

let waiting: Writer[] = [];
let turn: NodeJS.Immediate | undefined;

/**
 * Has somebody write at the end of this turn of the event loop, or once enough others wait. Whoever reads a connection has
 * to be woken for what is written to it, unless it is awake still from what was written to another a moment ago: peers
 * that are told all at once cost the system less than those that are told, fall asleep, and are told again. A turn that
 * serves one request alone writes as soon as ever.
 */
export function writeTogether(writer: Writer): void {
  waiting.push(writer);
  if (waiting.length >= most) return writeAll();
  turn ??= setImmediate(writeAll);
}

function writeAll(): void {
  if (turn !== undefined) clearImmediate(turn);
  turn = undefined;
  const writers = waiting;
  waiting = [];
  for (const writer of writers) writer.writeHeld();
}
