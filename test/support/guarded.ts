import type { RequestListener } from 'node:http';
import type { Test } from 'tap';
import type { GuardView } from '../../src/guard/view.ts';
import type { RolloutView } from '../../src/rollout/view.ts';
import { askAdmin } from './admin-answer.ts';
import { request, until } from './client.ts';
import { rolledOut, startProxy } from './proxy.ts';
import { startUpstream } from './upstream.ts';

export const fine: RequestListener = (_req, res) => void res.end('a fact');

/** Answers 500 to this share of all, 0 to 1; evenly. */
export function failing(share: number): RequestListener {
  let owed = 0;
  return (_req, res) => {
    owed += share;
    res.statusCode = owed >= 1 ? 500 : 200;
    if (owed >= 1) owed -= 1;
    res.end('a fact');
  };
}

type Options = Parameters<typeof rolledOut>[2] & {
  v0?: RequestListener;
  v1?: RequestListener;
  /** Further keys of the configuration. */
  keys?: string;
  /** A further upstream, as a line of YAML, and the files it names. */
  upstream?: string;
  files?: Record<string, string>;
};

/** A proxy whose guard compares two upstreams of the test's own making. */
export async function startGuarded(
  t: Pick<Test, 'teardown'>,
  {
    v0 = fine,
    v1 = fine,
    keys = '',
    upstream = '',
    files = {},
    guard = 'onRegression: rollback',
    ...rollout
  }: Options = {},
) {
  const upstreams = { v0: await startUpstream(t, v0), v1: await startUpstream(t, v1) };
  const rolled = rolledOut(upstreams.v0.url, upstreams.v1.url, { guard, ...rollout });
  const yaml = `${rolled.replace('upstreams:', `upstreams:${upstream}`)}${keys}\n`;
  const proxy = await startProxy(t, yaml, files);
  return { ...upstreams, yaml, proxy, ...shownBy(proxy) };
}

/** What an admin port shows of the route and the flag `facts`. */
export function shownBy({ adminPort }: { adminPort: number }) {
  const shown = async <T>(path: string) => (await askAdmin(adminPort, 'GET', path)).json as unknown as T;
  const guard = () => shown<GuardView>('/api/guard/facts');
  const rollout = () => shown<RolloutView>('/api/rollouts/facts');
  return {
    guard,
    rollout,
    metrics: async () => (await request(adminPort, '/metrics')).body,
    /** Waits until something was found, and gives it. */
    found: (within: number) => until(async () => (await guard()).trip, 'found', within),
    /** Waits until what comes from now on counts. */
    watching: () => until(async () => (await guard()).epoch.number > 0, 'watching'),
  };
}
