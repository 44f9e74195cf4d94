import http from 'node:http';
import t, { type Test } from 'tap';
import { request, sendRaw, until } from '../support/client.ts';
import { fixedFlag, keptLog, launchDarklyAt, user } from '../support/flags.ts';
import { launchDarklyStub, type LaunchDarklyStub } from '../support/launchdarkly-stub.ts';
import { startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';
import { openLaunchDarkly } from '../../src/flags/launchdarkly.ts';

type Custom = { key: string; context: { key: string }; metricValue?: number };

const customs = (stub: LaunchDarklyStub) => stub.events().filter(({ kind }) => kind === 'custom') as Custom[];

/** What was reported of each user. */
const reported = (stub: LaunchDarklyStub) =>
  customs(stub)
    .map(({ key, context }) => `${context.key}: ${key}`)
    .toSorted();

async function proxied(t: Test, flags = '') {
  const upstream = await startUpstream(t, (req, res) => {
    const { pathname } = new URL(req.url ?? '', 'http://upstream');
    if (pathname === '/slow') setTimeout(() => res.end(), 60);
    else if (pathname === '/broken') res.writeHead(503).end();
    else if (pathname === '/missing') res.writeHead(404).end();
    else if (pathname === '/dies') res.destroy();
    else if (pathname === '/cut')
      res.writeHead(200, { 'content-length': 9 }).write('half', () => res.destroy());
    else if (pathname === '/stream')
      res.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: 1\n\n');
    else if (pathname !== '/hangs') res.end();
  });
  upstream.server.on('upgrade', (_req, socket) => {
    socket.end('HTTP/1.1 500 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
  });
  const stub = await launchDarklyStub({ flags: { facts: fixedFlag('facts', 0) } });
  t.teardown(stub.close);
  const proxy = await startProxy(
    t,
    `
context:
  user:
    key: [{ cookie: uid }]
    anonymous: off
    attributes: { plan: { header: X-Plan }, mail: { header: X-Mail } }
    private: [mail]
flags: { source: launchdarkly, sdkKey: sdk-key, relay: "${stub.url.origin}"${flags} }
upstreams: { v0: { url: "${upstream.url}" } }
override: { secret: hush }
routes:
  - { name: plain, match: { path: /plain }, upstream: v0 }
  - { name: facts, flag: facts, versions: { 0: v0 }, default: 0 }
shutdown: { drain: 1s }
`,
  );
  const ask = (uid: string, path: string, headers: Record<string, string> = {}, method = 'GET') =>
    request(proxy.port, path, { method, headers: { cookie: `uid=${uid}`, ...headers } });
  return { stub, proxy, ask, seen: upstream.seen };
}

await t.test('latency is reported of every request, an error where the upstream failed it', async (t) => {
  const { stub, proxy, ask } = await proxied(t);
  await ask('ann', '/slow', { 'x-plan': 'pro', 'x-mail': 'ann@example.org' });
  await ask('bea', '/missing');
  await ask('cat', '/broken');
  await ask('dan', '/dies');
  await ask('eve', '/cut');
  await proxy.stop();
  t.same(reported(stub), [
    'ann: trenchcoat.latency_ms',
    'bea: trenchcoat.latency_ms',
    'cat: trenchcoat.error',
    'cat: trenchcoat.latency_ms',
    'dan: trenchcoat.error',
    'eve: trenchcoat.error',
    'eve: trenchcoat.latency_ms',
  ]);
  const [ann] = customs(stub);
  t.match(ann, {
    context: { kind: 'user', key: 'ann', plan: 'pro', _meta: { redactedAttributes: ['mail'] } },
  });
  const waited = ann?.metricValue ?? 0;
  t.ok(waited >= 59 && waited < 1000, `${waited} ms`);
  t.notOk(JSON.stringify(stub.requests).includes('ann@example.org'), 'the private attribute went nowhere');
  t.notOk('metricValue' in (customs(stub).find(({ key }) => key === 'trenchcoat.error') ?? {}));
});

await t.test('nothing is reported where no flag was asked, and no latency of what has no end', async (t) => {
  const { stub, proxy, ask, seen } = await proxied(t);
  await ask('plain', '/plain');
  await ask('tester', '/', { 'x-api-version': '0', 'x-trenchcoat-secret': 'hush' });
  await ask('preflight', '/', { origin: 'http://a', 'access-control-request-method': 'GET' }, 'OPTIONS');
  await request(proxy.port, '/');
  await ask('listener', '/stream');
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Cookie: uid=socket', 'Host: a'].join('\r\n');
  await sendRaw(proxy.port, `GET / HTTP/1.1\r\n${upgrade}\r\n\r\n`, false);
  const headers = { cookie: 'uid=gone', 'x-request-id': 'gone' };
  const gone = http.get({ port: proxy.port, path: '/hangs', headers }).on('error', () => {});
  await until(() => seen.some(({ url }) => url === '/hangs'), 'the request upstream');
  gone.destroy();
  await proxy.accessLine('gone');
  await proxy.stop();
  t.same(reported(stub), ['socket: trenchcoat.error']);
});

await t.test('with events off, a sampling of 0, or no flags yet, nothing is reported', async (t) => {
  for (const flags of [', events: false', ', metricSampling: 0']) {
    const { stub, proxy, ask } = await proxied(t, flags);
    await ask('ann', '/broken');
    await proxy.stop();
    t.same(customs(stub), []);
  }
  const stub = await launchDarklyStub({ flags: {} });
  t.teardown(stub.close);
  stub.behaviour.delay = undefined;
  const config = launchDarklyAt(stub.url, { events: true, initTimeout: 50 });
  const provider = await openLaunchDarkly(config, keptLog());
  provider.report?.(user('ann'), true, 1);
  await provider.close(1000);
  t.same(customs(stub), []);
});

await t.test('sampling throws one coin for a request', async (t) => {
  const stub = await launchDarklyStub({ flags: {} });
  t.teardown(stub.close);
  let seed = 1;
  const thrown: number[] = [];
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    thrown.push(seed / 2_147_483_647);
    return seed / 2_147_483_647;
  };
  const config = launchDarklyAt(stub.url, { events: true, metricSampling: 0.25 });
  const provider = await openLaunchDarkly(config, keptLog(), { random });
  for (let count = 0; count < 400; count += 1) provider.report?.(user(String(count)), true, count);
  await provider.close(5000);
  const chosen = [...thrown.keys()].filter((count) => (thrown[count] ?? 1) < 0.25);
  t.equal(thrown.length, 400);
  t.ok(chosen.length > 80 && chosen.length < 120, `${chosen.length} of 400`);
  for (const key of ['trenchcoat.error', 'trenchcoat.latency_ms'])
    t.same(
      customs(stub)
        .filter((event) => event.key === key)
        .map(({ context }) => Number(context.key)),
      chosen,
      key,
    );
  const latencies = customs(stub).filter((event) => event.key === 'trenchcoat.latency_ms');
  t.same(
    latencies.map(({ metricValue }) => metricValue),
    chosen,
  );
});
