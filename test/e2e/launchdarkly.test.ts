import t, { type Test } from 'tap';
import { join } from 'node:path';
import { request, until } from '../support/client.ts';
import { run } from '../support/command.ts';
import { launchDarklyStub, type LaunchDarklyStub } from '../support/launchdarkly-stub.ts';
import { fixedFlag, percentFlag } from '../support/flags.ts';
import { startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

const yaml = (stub: LaunchDarklyStub, upstream: string) => `
context: { user: { key: [{ cookie: uid }] } }
flags: { source: launchdarkly, sdkKey: sdk-key, relay: "${stub.url.origin}", initTimeout: 300ms }
upstreams: { v0: { url: "${upstream}/v0" }, v1: { url: "${upstream}/v1" } }
routes: [{ name: facts, flag: facts, versions: { 0: v0, 1: v1 }, default: 0 }]
shutdown: { drain: 1s }
`;

async function proxied(t: Test, prepare: (stub: LaunchDarklyStub) => Promise<void> | void = () => {}) {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const stub = await launchDarklyStub({ flags: { facts: fixedFlag('facts', 0) } });
  t.teardown(stub.close);
  await prepare(stub);
  const config = yaml(stub, upstream.url);
  const proxy = await startProxy(t, config);
  const served = async (uid = '7') =>
    (await request(proxy.port, '/fact/', { headers: { cookie: `uid=${uid}` } })).headers['x-api-version'];
  const ready = async () =>
    JSON.parse((await request(proxy.adminPort, '/readyz')).body) as { ready: boolean };
  return { stub, proxy, served, ready };
}

await t.test('a patch moves traffic within a second, and an outage moves nobody', async (t) => {
  const { stub, served, proxy } = await proxied(t);
  t.equal(await served(), '0');
  stub.patch('facts', fixedFlag('facts', 1, 2));
  await until(async () => (await served()) === '1', 'the patch counts', 1000);

  await stub.down();
  await until(() => proxy.logText().includes('stream'), 'the outage is noticed');
  for (let i = 0; i < 20; i += 1) t.equal(await served(), '1', 'the last known value');
  await stub.up();
  stub.set({ flags: { facts: fixedFlag('facts', 0, 3) } });
  await until(async () => (await served()) === '0', 'connected again', 15_000);
});

await t.test('absent at boot: ready on defaults in time, and the flag counts once it comes', async (t) => {
  const { stub, served, ready } = await proxied(t, async (stub) => {
    stub.set({ flags: { facts: fixedFlag('facts', 1) } });
    await stub.down();
  });
  t.match(await ready(), { ready: true, checks: { flags: /defaults are served/ } });
  t.equal(await served(), '0');
  await stub.up();
  await until(async () => (await served()) === '1', 'the flag counts', 15_000);
});

await t.test('a refused key is said once, and traffic gets the default', async (t) => {
  const { served, proxy, ready } = await proxied(t, (stub) => {
    stub.behaviour.status = 401;
  });
  for (let i = 0; i < 20; i += 1) t.equal(await served(), '0');
  t.match(await ready(), { ready: true, checks: { flags: /401.*sdkKey/ } });
  await proxy.stop();
  const said = proxy
    .logText()
    .split('\n')
    .filter((line) => /"level":"(warn|error)"/.test(line));
  t.equal(said.length, 1, 'one line');
  t.match(said[0], /refused the SDK key \(401\)/);
  t.notMatch(proxy.logText(), /"sdk-key"/);
});

await t.test('evaluations are reported, the last ones at the stop', async (t) => {
  const { stub, served, proxy } = await proxied(t);
  for (const uid of ['a', 'b', 'c']) await served(uid);
  await proxy.stop();
  const summary = stub.events().find(({ kind }) => kind === 'summary');
  t.match(summary, { features: { facts: { counters: [{ value: 0, count: 3 }] } } });
});

await t.test('explain asks LaunchDarkly too, and reports no visit', async (t) => {
  const { stub, served, proxy } = await proxied(t, (stub) =>
    stub.set({ flags: { facts: percentFlag('facts', 40) } }),
  );
  const config = join(proxy.folder, 'trenchcoat.yaml');
  const args = ['explain', '-c', config, '--path', '/', '--cookie', 'uid=77', '--json'];
  const { stdout, code } = await run(t, args);
  t.equal(code, 0);
  t.same(stub.events(), [], 'nobody visited');
  const explained = JSON.parse(stdout) as { version: string; bucket: { movesAt: number } };
  t.equal(explained.version, await served('77'));
  t.equal(explained.version === '1', explained.bucket.movesAt <= 40);
});
