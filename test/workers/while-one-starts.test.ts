import t from 'tap';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { request, until } from '../support/client.ts';
import { startCrew } from '../support/crew.ts';
import { fixedFlag } from '../support/flags.ts';
import { launchDarklyStub } from '../support/launchdarkly-stub.ts';
import { rolledOut } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

await t.test('a worker that began before a reload follows it before the reload is over', async (t) => {
  const stub = await launchDarklyStub({ flags: { facts: fixedFlag('facts', 0) } });
  t.teardown(stub.close);
  const first = await startUpstream(t, (_req, res) => res.end('first'));
  const second = await startUpstream(t, (_req, res) => res.end('second'));
  const text = (url: string) => `
flags: { source: launchdarkly, sdkKey: sdk-key, relay: "${stub.url.origin}" }
upstreams: { v0: { url: "${url}" }, v1: { url: "${url}" } }
routes: [{ name: facts, flag: facts, versions: { 0: v0, 1: v1 }, default: 0 }]
shutdown: { drain: 1s }
`;
  const proxy = await startCrew(t, text(first.url));
  const asked = () => stub.requests.filter(({ method }) => method === 'GET').length;
  const before = asked();
  // Whoever asks for its flags has begun, and does not stand before they are there.
  stub.behaviour.delay = 1000;
  process.kill(proxy.workers()[0] ?? 0, 'SIGKILL');
  await until(() => asked() > before, 'another has begun');

  proxy.rewrite(text(second.url));
  t.equal((await request(proxy.adminPort, '/api/reload', { method: 'POST' })).status, 200);
  await until(async () => (await proxy.ready()).checks['workers'] === '2 of 2', 'it stands');
  const answers = await Promise.all(Array.from({ length: 8 }, () => request(proxy.port, '/fact/')));
  t.strictSame(new Set(answers.map(({ body }) => body)), new Set(['second']));
});

await t.test('a stop does not wait for a worker that does not listen yet', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const proxy = await startCrew(t, rolledOut(upstream.url, upstream.url));
  const before = proxy.workers();
  process.kill(before[0] ?? 0, 'SIGKILL');
  await until(() => proxy.workers().some((pid) => !before.includes(pid)), 'another begins');
  const asked = performance.now();
  proxy.child.kill('SIGTERM');
  t.match(await proxy.ended, { code: 0 });
  t.ok(performance.now() - asked < 5000, 'it has nothing to end');
});

await t.test('a worker that there is no descriptor for begins once there is one', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const proxy = await startCrew(t, rolledOut(upstream.url, upstream.url));
  const leader = proxy.child.pid ?? 0;
  const limit = (most: number) => execFileSync('prlimit', ['--pid', `${leader}`, `--nofile=${most}:`]);
  limit(readdirSync(`/proc/${leader}/fd`).length + 1);
  process.kill(proxy.workers()[0] ?? 0, 'SIGKILL');
  await until(() => proxy.said().some(({ msg }) => /could not take requests/.test(String(msg))), 'it cannot');
  limit(1000);
  await until(async () => (await proxy.ready()).checks['workers'] === '2 of 2', 'it can', 20_000);
  proxy.child.kill('SIGTERM');
  t.match(await proxy.ended, { code: 0 });
});
