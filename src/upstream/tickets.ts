import type { TLSSocket } from 'node:tls';

/** Sessions of one origin that a further connection can resume, which saves it the certificates and most of the arithmetic. */
export type Tickets = {
  /** The session to resume, if there is one. */
  take(): Buffer | undefined;
  /** Keeps the sessions that the other end of a connection hands out. */
  collect(socket: TLSSocket): void;
  clear(): void;
};

/** As many as connections are likely to be opened at once. */
const most = 8;

/** Milliseconds for which one is kept: while its sessions are resumed, nobody looks at a certificate. */
const keptFor = 600_000;

export function createTickets(now: () => number = () => performance.now()): Tickets {
  let kept: { session: Buffer; until: number }[] = [];
  /** Counts what was thrown away, so that a connection from before hands in nothing. */
  let era = 0;
  return {
    take() {
      while ((kept[0]?.until ?? Infinity) <= now()) kept.shift();
      // TLS 1.3 means tickets for one use each, which nobody is held to. Many servers give none to who comes with one.
      return (kept.length > 1 ? kept.pop() : kept[0])?.session;
    },
    collect(socket) {
      const since = era;
      socket.on('session', (session: Buffer) => {
        if (era !== since) return;
        if (kept.length >= most) kept.shift();
        kept.push({ session, until: now() + keptFor });
      });
    },
    clear() {
      era += 1;
      kept = [];
    },
  };
}
