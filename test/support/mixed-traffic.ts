import { once } from 'node:events';
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import { WebSocket } from 'ws';

/**
 * How each request ended. A restart may refuse, once its port is closed, and reset before any byte of an answer what nobody has
 * read: a connection that waited to be accepted, or a kept one that was idle (RFC 9112 §9.5).
 */
export type Counts = {
  served: number;
  streams: number;
  uploads: number;
  echoes: number;
  goneAway: number;
  refused: number;
  reset: number;
};

export type MixedTraffic = {
  counts: Counts;
  /** What nothing allows, in words. */
  failures: string[];
  /** Sends no more, and waits for what is under way. */
  stop(): Promise<void>;
};

const upload = Buffer.alloc(32 * 1024, 'u');

/** `rate` requests a second to a port: most of them short, some with a body, some streams of half a second; and WebSockets that talk. */
export function mixedTraffic(
  t: Pick<Test, 'teardown'>,
  port: number,
  {
    rate,
    sockets,
    wrong,
  }: {
    rate: number;
    sockets: number;
    wrong: (answer: http.IncomingMessage, body: string) => string | undefined;
  },
): MixedTraffic {
  const counts: Counts = { served: 0, streams: 0, uploads: 0, echoes: 0, goneAway: 0, refused: 0, reset: 0 };
  const failures: string[] = [];
  const agent = new http.Agent({ keepAlive: true });
  const open = new Set<Promise<void>>();
  const over = new AbortController();
  const stopping = once(over.signal, 'abort').then(() => undefined);
  const begun = performance.now();
  let sent = 0;

  function ask(n: number): Promise<void> {
    const kind = n % 50 === 0 ? 'streams' : n % 25 === 1 ? 'uploads' : 'served';
    const path = kind === 'streams' ? '/fact/stream' : '/fact/';
    return new Promise((resolve) => {
      let headed = false;
      const req = http.request({
        host: '127.0.0.1',
        port,
        path,
        agent,
        method: kind === 'uploads' ? 'POST' : 'GET',
      });
      req.on('error', (error: NodeJS.ErrnoException) => {
        if (!headed && isRefusal(error)) counts[error.code === 'ECONNRESET' ? 'reset' : 'refused'] += 1;
        else
          failures.push(
            `${kind}: ${headed ? 'cut' : String(error.code)}${req.reusedSocket ? ' on a kept connection' : ''}`,
          );
        resolve();
      });
      req.on('response', (res) => {
        headed = true;
        let body = '';
        res.setEncoding('latin1').on('data', (chunk: string) => (body += chunk));
        res.on('error', () => {});
        res.on('close', () => {
          const why = res.complete
            ? res.statusCode === 200
              ? wrong(res, body)
              : `status ${res.statusCode}`
            : 'cut';
          if (why === undefined) counts[kind] += 1;
          else failures.push(`${kind}: ${why}`);
          resolve();
        });
      });
      req.end(kind === 'uploads' ? upload : undefined);
    });
  }

  async function talk(): Promise<void> {
    while (!over.signal.aborted) {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/fact/live`);
      const ended = new Promise<{ code: number; error?: NodeJS.ErrnoException }>((resolve) => {
        let error: NodeJS.ErrnoException | undefined;
        socket.on('error', (found) => (error = found));
        socket.on('close', (code) => resolve({ code, ...(error !== undefined && { error }) }));
      });
      const opened = await Promise.race([
        new Promise<undefined>((resolve) => socket.on('open', () => resolve(undefined))),
        ended,
      ]);
      if (opened !== undefined) {
        if (isRefusal(opened.error)) counts[opened.error?.code === 'ECONNRESET' ? 'reset' : 'refused'] += 1;
        else failures.push(`WebSocket: ${opened.error?.message}`);
        await delay(50);
        continue;
      }
      socket.on('message', () => (counts.echoes += 1));
      const chatter = setInterval(() => socket.send('raccoon'), 50);
      const left = await Promise.race([ended, stopping]);
      clearInterval(chatter);
      if (left === undefined) socket.close();
      else if (left.code === 1001) counts.goneAway += 1;
      else failures.push(`WebSocket: closed with ${left.code}`);
      await ended;
    }
  }

  const talks = Array.from({ length: sockets }, talk);
  const timer = setInterval(() => {
    for (const due = ((performance.now() - begun) / 1000) * rate; sent < due; sent += 1) {
      const under = ask(sent).finally(() => open.delete(under));
      open.add(under);
    }
  }, 5);
  t.teardown(() => {
    clearInterval(timer);
    agent.destroy();
  });
  return {
    counts,
    failures,
    async stop() {
      clearInterval(timer);
      over.abort();
      await Promise.all([...open, ...talks]);
      agent.destroy();
    },
  };
}

const isRefusal = (error: NodeJS.ErrnoException | undefined) =>
  error?.code === 'ECONNREFUSED' || error?.code === 'ECONNRESET' || error?.message === 'socket hang up';
