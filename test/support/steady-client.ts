import http from 'node:http';
import type { Test } from 'tap';
import { systemClock } from '../../src/clock.ts';

/** One request as its client knows it. `sentAt` is milliseconds since 1970; `status` is 0 where there was no answer. */
export type Asked = { uid: string; sentAt: number; version: string | undefined; status: number };

/** How a client leaves before the end: after this many milliseconds without a head, or with the first piece of the body. */
export type Leaving = { afterMs: number } | 'in the body';

type Options = {
  /** Requests a second, sent whether those before are answered or not. */
  rate: number;
  /** The same users again and again; else each request is somebody new. */
  users?: number;
  /** How the nth request is left, if it is. */
  leaves?: (n: number) => Leaving | undefined;
};

export type SteadyClient = {
  /** What has ended, in the order of its end. */
  asked: Asked[];
  /** Of what was sent since, every version that answered and how often. */
  versionsSince(moment: number): Record<string, number>;
  /** Sends no more, and waits for what is under way. */
  stop(): Promise<void>;
};

/** Clients who ask for facts at a steady pace, of these ports in turn. */
export function steadyClient(
  t: Pick<Test, 'teardown'>,
  ports: readonly number[],
  { rate, users = Infinity, leaves = () => undefined }: Options,
): SteadyClient {
  const agent = new http.Agent({ keepAlive: true });
  const asked: Asked[] = [];
  const begun = performance.now();
  let sent = 0;
  const open = new Set<Promise<void>>();

  const ask = (n: number) =>
    new Promise<void>((resolve) => {
      const leaving = leaves(n);
      const uid = `user-${n % users}`;
      const one: Asked = { uid, sentAt: systemClock.now(), version: undefined, status: 0 };
      const headers = { cookie: `uid=${uid}` };
      const port = ports[n % ports.length];
      const req = http.get({ host: '127.0.0.1', port, path: '/fact/', agent, headers }, (res) => {
        one.status = res.statusCode ?? 0;
        one.version = res.headers['x-api-version'] as string | undefined;
        res.on('error', () => {}).resume();
        if (leaving === 'in the body') res.once('data', () => req.destroy());
      });
      if (typeof leaving === 'object') {
        const tired = setTimeout(() => req.destroy(), leaving.afterMs);
        req.once('response', () => clearTimeout(tired));
      }
      req.on('error', () => {});
      req.on('close', () => {
        asked.push(one);
        resolve();
      });
    });

  const timer = setInterval(() => {
    for (const due = ((performance.now() - begun) / 1000) * rate; sent < due; sent += 1) {
      const under = ask(sent).finally(() => open.delete(under));
      open.add(under);
    }
  }, 5);

  const stop = async () => {
    clearInterval(timer);
    await Promise.all(open);
    agent.destroy();
  };
  t.teardown(() => {
    clearInterval(timer);
    agent.destroy();
  });
  return {
    asked,
    versionsSince(moment) {
      const versions: Record<string, number> = {};
      for (const { sentAt, version = 'none' } of asked)
        if (sentAt > moment) versions[version] = (versions[version] ?? 0) + 1;
      return versions;
    },
    stop,
  };
}
