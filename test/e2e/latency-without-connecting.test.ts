import { once } from 'node:events';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { request } from '../support/client.ts';
import { startRun } from '../support/command.ts';
import { fixedFlag } from '../support/flags.ts';
import { launchDarklyStub } from '../support/launchdarkly-stub.ts';
import { selfSigned } from '../support/self-signed.ts';

/** Milliseconds that a handshake takes here. */
const handshake = 400;

// At one percent, a version sees a request now and then, each on a connection of its own, while the other's are warm. The
// same server behind both would look slower by a handshake, and be rolled back for it.
await t.test('the latency that versions are compared by is without the time to connect', async (t) => {
  const upstream = https.createServer(selfSigned, (_req, res) => res.end());
  const door = net.createServer((socket) => {
    setTimeout(() => upstream.emit('connection', socket), handshake);
  });
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
  const stub = await launchDarklyStub({ flags: { facts: fixedFlag('facts', 0) } });
  t.teardown(stub.close);
  const { port } = door.address() as AddressInfo;
  const folder = t.testdir({
    'ca.pem': selfSigned.cert,
    'trenchcoat.yaml': `
listen: 127.0.0.1:0
admin: off
state: memory
context: { user: { key: [{ cookie: uid }] } }
flags: { source: launchdarkly, sdkKey: sdk-key, relay: "${stub.url.origin}" }
upstreams: { v0: { url: "https://127.0.0.1:${port}" } }
routes: [{ name: facts, flag: facts, versions: { 0: v0 }, default: 0 }]
`,
  });
  const env = { NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') };
  const proxy = await startRun(t, join(folder, 'trenchcoat.yaml'), { env });
  const startedAt = performance.now();
  for (const uid of ['ann', 'bob'])
    t.match(await request(proxy.port, '/', { headers: { cookie: `uid=${uid}` } }), { status: 200 });
  t.ok(performance.now() - startedAt >= handshake, 'the first has waited for a connection');

  proxy.child.kill('SIGTERM');
  await proxy.ended;
  const latencies = stub.events().flatMap((event) => ('metricValue' in event ? [event['metricValue']] : []));
  t.equal(latencies.length, 2);
  for (const latency of latencies) t.ok(Number(latency) < handshake && Number(latency) >= 0, String(latency));
  upstream.closeAllConnections();
  door.close();
});
