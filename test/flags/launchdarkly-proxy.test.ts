import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openFlags } from '../../src/flags/source.ts';
import { fixedFlag, keptLog, launchDarklyAt, user } from '../support/flags.ts';
import { runFlagsChild } from '../support/flags-child.ts';
import { launchDarklyStub } from '../support/launchdarkly-stub.ts';
import { selfSigned } from '../support/self-signed.ts';

/** An HTTP proxy that tunnels, and keeps what it was asked for. */
async function tunnel(t: Test, status = 200) {
  const asked: { target: string | undefined; authorization: string | undefined }[] = [];
  const server = http.createServer((_, res) => res.writeHead(405).end());
  server.on('connect', (req, client: net.Socket) => {
    asked.push({ target: req.url, authorization: req.headers['proxy-authorization'] });
    if (status !== 200) {
      client.end(`HTTP/1.1 ${status} No\r\n\r\n`);
      return;
    }
    const { hostname, port } = new URL(`http://${req.url}`);
    const upstream = net.connect(Number(port), hostname, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return { asked, port: (server.address() as AddressInfo).port };
}

await t.test('everything goes through the outbound proxy', async (t) => {
  const stub = await launchDarklyStub({ flags: { api: fixedFlag('api', 'v1') } });
  t.teardown(stub.close);
  const proxy = await tunnel(t);
  const provider = await openFlags(
    launchDarklyAt(stub.url, { proxy: new URL(`http://ann:p%40ss@127.0.0.1:${proxy.port}`), events: true }),
    keptLog(),
  );
  t.equal((await provider.evaluate('api', user('1'), 0)).value, 'v1');
  await provider.close(2000);
  t.same(stub.requests.map(({ url }) => url).toSorted(), ['/all', '/bulk', '/diagnostic']);
  t.equal(proxy.asked.length, stub.accepted(), 'each connection through the proxy');
  for (const { target, authorization } of proxy.asked) {
    t.equal(target, `127.0.0.1:${stub.port}`);
    t.equal(authorization, `Basic ${Buffer.from('ann:p@ss').toString('base64')}`);
  }
});

await t.test('through a proxy, too, a certificate that nobody signed is not believed', async (t) => {
  const stub = await launchDarklyStub({ flags: {} }, { tls: selfSigned });
  t.teardown(stub.close);
  const proxy = await tunnel(t);
  const log = keptLog();
  const provider = await openFlags(
    launchDarklyAt(stub.url, { proxy: new URL(`http://127.0.0.1:${proxy.port}`), initTimeout: 500 }),
    log,
  );
  t.match(provider.state(), { initialized: false, detail: /self-signed certificate/ });
  t.same(stub.requests, []);
  t.same(
    log.lines.filter(({ level }) => level !== 'debug').map(({ level }) => level),
    ['warn'],
    'with nothing said but that flags are late',
  );
  await provider.close(100);
});

await t.test('a certificate that is trusted is believed, with and without a proxy', async (t) => {
  const stub = await launchDarklyStub({ flags: { api: fixedFlag('api', 'v1') } }, { tls: selfSigned });
  t.teardown(stub.close);
  const proxy = await tunnel(t);
  const trusted = { NODE_EXTRA_CA_CERTS: join(t.testdir({ 'ca.pem': selfSigned.cert }), 'ca.pem') };
  const relay = stub.url.href;
  const both = await Promise.all([
    runFlagsChild({ relay }, trusted),
    runFlagsChild({ relay, proxy: `http://127.0.0.1:${proxy.port}` }, trusted),
  ]);
  t.same(
    both.map(({ end }) => end.value),
    ['v1', 'v1'],
  );
  t.ok(proxy.asked.length > 0);
});

await t.test('a proxy that refuses is named', async (t) => {
  const stub = await launchDarklyStub({ flags: {} });
  t.teardown(stub.close);
  const proxy = await tunnel(t, 407);
  const provider = await openFlags(
    launchDarklyAt(stub.url, { proxy: new URL(`http://127.0.0.1:${proxy.port}`), initTimeout: 300 }),
    keptLog(),
  );
  t.match(provider.state().detail, `the proxy 127.0.0.1:${proxy.port} answered 407`);
  await provider.close(100);
});
