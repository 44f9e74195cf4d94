import { once } from 'node:events';
import http from 'node:http';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { ask } from '../support/beside.ts';
import { readAnswer, request, until } from '../support/client.ts';
import { startRun } from '../support/command.ts';
import { fixedFlag } from '../support/flags.ts';
import { launchDarklyStub } from '../support/launchdarkly-stub.ts';
import { startUpstream } from '../support/upstream.ts';

/** The program before an upstream that streams for as long as it is told, its flags from LaunchDarkly. */
async function streaming(t: Test, shutdown: string) {
  const streams = new Map<string, http.ServerResponse>();
  const upstream = await startUpstream(t, (req, res) => {
    if (req.url === '/') return void res.end('served');
    streams.set(req.url ?? '', res);
    res.write('begun ');
  });
  const sockets = new WebSocketServer({ server: upstream.server });
  t.teardown(() => sockets.close());
  const stub = await launchDarklyStub({ flags: { facts: fixedFlag('facts', 0) } });
  t.teardown(stub.close);
  const folder = t.testdir({
    'trenchcoat.yaml': `listen: 127.0.0.1:0
admin: 127.0.0.1:0
flags: { source: launchdarkly, sdkKey: sdk-key, relay: "${stub.url.origin}" }
upstreams: { v0: { url: "${upstream.url}" } }
routes: [{ name: facts, flag: facts, versions: { 0: v0 }, default: 0 }]
shutdown: { ${shutdown} }
`,
  });
  const proxy = await startRun(t, join(folder, 'trenchcoat.yaml'));
  return {
    proxy,
    stub,
    /** Begins a stream; its answer, and how the upstream ends it. */
    async begin(path: string) {
      const req = http.get({ host: '127.0.0.1', port: proxy.port, path, agent: false });
      const [res] = (await once(req, 'response')) as [http.IncomingMessage];
      return { answer: readAnswer(res), end: () => streams.get(path)?.end('and ended') };
    },
    async socket() {
      const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/`);
      await once(socket, 'open');
      return { closed: once(socket, 'close') };
    },
    readiness: async () => (await ask(proxy.adminPort, '/readyz')).status,
  };
}

await t.test('SIGTERM with streams in flight', async (t) => {
  const { proxy, stub, ...clients } = await streaming(t, 'delay: 1500ms, drain: 2s');
  const [brief, endless] = [await clients.begin('/brief'), await clients.begin('/endless')];
  const tunnel = await clients.socket();
  t.equal(await clients.readiness(), 200);
  stub.requests.length = 0;

  const signalled = performance.now();
  const after = () => performance.now() - signalled;
  proxy.child.kill('SIGTERM');
  await until(async () => (await clients.readiness()) === 503, 'readiness fails at once', 1000);
  let served = 0;
  await until(async () => {
    const { status } = await ask(proxy.port, '/');
    if (status === 200) served += 1;
    return status !== 200;
  }, 'new work is refused in the end');
  const refused = after();
  t.ok(refused >= 1400 && refused < 3000, `but not before shutdown.delay: ${refused.toFixed(0)} ms`);
  t.ok(served > 5, `${served} were served meanwhile`);

  brief.end();
  t.match(await brief.answer, { status: 200, body: 'begun and ended', cut: false }, 'a stream may end');
  t.match(await endless.answer, { status: 200, body: 'begun ', cut: true }, 'one that does not is cut');
  const cut = after();
  t.ok(cut >= 3300 && cut < 6000, `at the deadline: ${cut.toFixed(0)} ms`);
  await tunnel.closed;
  t.ok(after() - cut < 500, 'and so is a WebSocket');

  t.match(await proxy.ended, { code: 0, signal: null, stderr: '' });
  const summary = stub.events().find(({ kind }) => kind === 'summary');
  t.match(summary, { features: { facts: { counters: [{ value: 0 }] } } }, 'the last events are sent');
  t.match(proxy.output.stdout, /"path":"\/endless"/, 'the last access lines are written');
});

await t.test('a second signal forces the end', async (t) => {
  const { proxy, ...clients } = await streaming(t, 'delay: 1h, drain: 1h');
  const stream = await clients.begin('/endless');
  proxy.child.kill('SIGTERM');
  await until(() => proxy.output.stdout.includes('"stopping"'), 'the first is heard');
  t.match(await request(proxy.port, '/'), { status: 200 }, 'and waited for');
  const forced = performance.now();
  proxy.child.kill('SIGTERM');
  t.match(await proxy.ended, { code: 1, signal: null });
  t.ok(performance.now() - forced < 3000, 'at once');
  t.match(await stream.answer, { cut: true });
});
