import { close, constants, fstatSync, openSync, writev } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Writes lines where somebody may read them slowly, or no more, without ever waiting for it. pino's own destination does
 * not do: when a pipe's reader is gone it throws lines away uncounted, when a full disk has filled its buffer it never
 * tries again, and a reader that stalls holds a thread in a write, which the end of the process then waits for.
 */
export type LineWriter = {
  /** Takes lines; the bytes are no longer the caller's to change. */
  write(bytes: Uint8Array, lines: number): void;
  /** Whether nothing waits to be written. */
  idle(): boolean;
  /** How many lines were lost so far. */
  lost(): number;
  /** Writes what waits, if it can be written within these milliseconds, and lets go of the rest. */
  close(within: number): Promise<void>;
};

/** Bytes that may wait; what comes beyond them is lost. */
const most = 16 * 1024 * 1024;

/** Milliseconds until a write that failed is tried again: the first time, and at the most. */
const firstPause = 5;
const longestPause = 500;

/** `to` is a file descriptor or a path. `recovered` is told how many lines were lost, once lines are written again. */
export function createLineWriter(to: number | string, recovered: (lost: number) => void): LineWriter {
  const queue: { bytes: Uint8Array; lines: number }[] = [];
  let waiting = 0;
  let lost = 0;
  let untold = 0;
  let outlet = openOutlet(to);
  let pause = firstPause;
  let state: 'idle' | 'writing' | 'gone' | 'closed' = 'idle';
  let emptied: (() => void) | undefined;

  const lose = (lines: number) => {
    lost += lines;
    untold += lines;
  };
  const rest = (then: () => void) => {
    setTimeout(then, pause).unref();
    pause = Math.min(pause * 2, longestPause);
  };
  const next = () => {
    if (state === 'closed') return;
    state = queue.length === 0 ? 'idle' : 'writing';
    if (state === 'idle') return emptied?.();
    outlet ??= openOutlet(to);
    if (outlet === undefined) return giveUp();
    outlet.write(
      queue.map(({ bytes }) => bytes),
      ended,
    );
  };
  const ended = (failed: boolean, written: number) => {
    if (state === 'closed') return;
    if (written > 0) pause = firstPause;
    waiting -= written;
    let left = written;
    for (let [first] = queue; first !== undefined && left > 0; [first] = queue) {
      const part = Math.min(left, first.bytes.length);
      left -= part;
      first.bytes = first.bytes.subarray(part);
      if (first.bytes.length === 0) queue.shift();
    }
    if (!failed) {
      tell();
      return next();
    }
    if (outlet?.patient === true) return rest(next);
    giveUp();
  };
  /** Whoever read is gone. The next lines may find somebody who came instead. */
  const giveUp = () => {
    outlet?.close();
    outlet = undefined;
    for (const { lines } of queue.splice(0)) lose(lines);
    waiting = 0;
    state = 'gone';
    emptied?.();
    rest(() => {
      if (state === 'gone') state = 'idle';
    });
  };
  /** Half of the room has to be free again, lest there be a hole at every few lines. */
  const hasRoom = (more: number) => (untold > 0 ? waiting <= most / 2 : waiting + more <= most);
  const tell = () => {
    if (untold === 0 || waiting > most / 2) return;
    const told = untold;
    untold = 0;
    recovered(told);
  };

  return {
    write(bytes, lines) {
      if (state === 'gone' || state === 'closed' || !hasRoom(bytes.length)) return lose(lines);
      queue.push({ bytes, lines });
      waiting += bytes.length;
      if (state === 'idle') next();
    },
    idle: () => state !== 'writing',
    lost: () => lost,
    async close(within) {
      const late = new AbortController();
      const done = new Promise<void>((resolve) => (emptied = resolve));
      if (state === 'writing')
        await Promise.race([done, delay(within, undefined, { signal: late.signal }).catch(() => {})]);
      late.abort();
      // What is being written to a file goes on, and must not find another behind its descriptor.
      const underWay = state === 'writing' && outlet?.patient === true;
      state = 'closed';
      if (!underWay) outlet?.close();
    },
  };
}

type Outlet = {
  /** Whether what could not be written may be tried again: a disk can be made room on, a reader that has left is gone. */
  patient: boolean;
  /** Writes some of it, from the front. */
  write(pieces: readonly Uint8Array[], ended: (failed: boolean, written: number) => void): void;
  close(): void;
};

const nothing = new Uint8Array();

/** Undefined when it cannot be opened now. */
function openOutlet(to: number | string): Outlet | undefined {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
  try {
    const fd = typeof to === 'string' ? openSync(to, flags, 0o666) : own(to);
    const kind = fstatSync(fd);
    return kind.isFIFO() || kind.isSocket() ? toReader(fd) : toFile(fd);
  } catch {
    return undefined;
  }
}

/** Files and terminals. */
const toFile = (fd: number): Outlet => ({
  patient: true,
  write: (pieces, ended) => writev(fd, pieces, (error, written) => ended(error !== null, written ?? 0)),
  close: () => {
    if (fd > 2) close(fd, () => {});
  },
});

/** Pipes and sockets. Node makes them non-blocking, and leaves open what is a standard stream. */
function toReader(fd: number): Outlet {
  const socket = new Socket({ fd, readable: false, writable: true }).on('error', () => {});
  return {
    patient: false,
    write: ([first = nothing], ended) =>
      socket.write(first, (error) => {
        const failed = error instanceof Error;
        ended(failed, failed ? 0 : first.length);
      }),
    close: () => void socket.destroy(),
  };
}

/**
 * A pipe or terminal opened anew, so that it is non-blocking for us alone and not for everybody who shares it. What
 * cannot be, such as a socket, or a file, whose place is shared, is used as it is.
 */
function own(fd: number): number {
  const kind = fstatSync(fd);
  if (!kind.isFIFO() && !kind.isCharacterDevice()) return fd;
  try {
    return openSync(`/dev/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return fd;
  }
}
