import type { RequestListener } from 'node:http';
import type { Test } from 'tap';
import type { GuardView } from '../../src/guard/view.ts';
import { askAdmin } from './admin-answer.ts';
import { request, until } from './client.ts';
import { percentFlag } from './flags.ts';
import { failing, fine } from './guarded.ts';
import { launchDarklyRest } from './launchdarkly-rest-stub.ts';
import { launchDarklyStub } from './launchdarkly-stub.ts';
import { startProxy } from './proxy.ts';
import { startUpstream } from './upstream.ts';

type RestFlag = Parameters<typeof launchDarklyRest>[1];

/**
 * A flag at 50 % in LaunchDarkly, which leads half of all to a v1 that `v1` answers for, and half to a v0 that works;
 * LaunchDarkly's REST API beside it, with the flag as `rest` says; and proxies between, all with one state file.
 */
export async function guardedFlag(t: Test, v1: RequestListener = failing(1), rest: RestFlag = {}) {
  const api = await launchDarklyRest(t, rest);
  const { flag: key, project, environment, apiToken } = api.names;
  const flag = { ...percentFlag(key, 50), variations: ['v0', 'v1'] };
  const stub = await launchDarklyStub({ flags: { [key]: flag } });
  t.teardown(stub.close);
  const [zero, one] = [await startUpstream(t, fine), await startUpstream(t, v1)];
  const launchdarkly = JSON.stringify({ apiToken, project, environment, url: api.origin });
  const yaml = `
context: { user: { key: [{ cookie: uid }] } }
flags: { source: launchdarkly, sdkKey: sdk-key, relay: "${stub.url.origin}", events: false }
upstreams: { v0: { url: "${zero.url}" }, v1: { url: "${one.url}" } }
routes:
  - name: facts
    flag: ${key}
    versions: { v0: v0, v1: v1 }
    default: v0
    guard: { launchdarkly: ${launchdarkly} }
override: { header: X-Version, secret: open-sesame }
state: "file:${t.testdir()}/state.json"
shutdown: { drain: 1s }
`;

  async function start() {
    const proxy = await startProxy(t, yaml);
    const guard = async () =>
      (await askAdmin(proxy.adminPort, 'GET', '/api/guard/facts')).json as unknown as GuardView;
    return {
      ...proxy,
      guard,
      found: () => until(async () => (await guard()).trip, 'found', 15_000),
      /** The version that somebody gets, who may be a tester, and the reason in the log. */
      async served(uid: string, pinned?: string) {
        const id = `${uid}-${Math.random().toString(36).slice(2)}`;
        const tester = pinned && { 'x-version': pinned, 'x-trenchcoat-secret': 'open-sesame' };
        const headers = { cookie: `uid=${uid}`, 'x-request-id': id, ...tester };
        const answer = await request(proxy.port, '/fact/', { headers });
        const { reason } = await proxy.accessLine(id);
        return `${String(answer.headers['x-api-version'])} ${reason}`;
      },
    };
  }
  return { api, stub, flag, key, start };
}
