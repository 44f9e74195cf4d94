import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { request } from '../support/client.ts';
import { startRun } from '../support/command.ts';
import { openPool, send } from '../support/exchange.ts';
import { selfSigned } from '../support/self-signed.ts';

const size = 8 * 1024 * 1024;

/** A TLS server that sends back what it was sent, in small records where asked. */
async function startEcho(t: Test) {
  const servernames: (string | false | null)[] = [];
  const protocols: TLSSocket['alpnProtocol'][] = [];
  const server = https.createServer({ ...selfSigned, ALPNProtocols: ['h2', 'http/1.1'] }, (req, res) => {
    if (req.headers['x-records'] !== undefined) (req.socket as TLSSocket).setMaxSendFragment(512);
    req.pipe(res);
  });
  server.on('secureConnection', (socket) => {
    servernames.push(socket.servername);
    protocols.push(socket.alpnProtocol);
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, servernames, protocols };
}

/** Sends a body and reads the answer after `pause` milliseconds: the digest of what came back. */
async function echoed(port: number, path: string, body: Buffer, headers = {}, pause = 0): Promise<string> {
  const options = { host: '127.0.0.1', port, path, method: 'POST', agent: false, headers };
  const req = http.request(options);
  req.end(body);
  const [res] = (await once(req, 'response')) as [http.IncomingMessage];
  await new Promise((resolve) => setTimeout(resolve, pause));
  const hash = createHash('sha256');
  for await (const chunk of res) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

await t.test('a certificate that nobody signed is not believed', async (t) => {
  const { port, servernames } = await startEcho(t);
  const { events, error, timings } = await send(openPool(t, `https://127.0.0.1:${port}`)).done;
  t.same(
    { events, error, connect: timings.connect },
    { events: ['error'], error: 'tls_unknown_authority', connect: undefined },
  );
  t.ok(servernames.length <= 1, 'it is not tried again');
});

await t.test('what does not speak TLS fails as TLS', async (t) => {
  const server = http.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  t.match(await send(openPool(t, `https://127.0.0.1:${port}`)).done, {
    events: ['error'],
    error: 'tls_failed',
  });
});

// Node believes the certificates of a file when it starts, so this takes a process of its own.
await t.test('with a certificate that is trusted', async (t) => {
  const { port, servernames, protocols } = await startEcho(t);
  const folder = t.testdir({
    'ca.pem': selfSigned.cert,
    'trenchcoat.yaml': `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
upstreams:
  address: { url: "https://127.0.0.1:${port}" }
  name: { url: "https://localhost:${port}" }
  another: { url: "https://0.0.0.0:${port}" }
routes:
  - { name: name, match: { path: /name }, upstream: name }
  - { name: another, match: { path: /another }, upstream: another }
  - { name: address, upstream: address }
`,
  });
  const env = { NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') };
  const proxy = await startRun(t, join(folder, 'trenchcoat.yaml'), { env });
  const body = randomBytes(size);
  const digest = createHash('sha256').update(body).digest('hex');

  await t.test('bodies come through both ways, byte for byte, on one connection', async (t) => {
    t.equal(await echoed(proxy.port, '/', body, { 'content-length': size }), digest);
    t.equal(await echoed(proxy.port, '/', body, { 'transfer-encoding': 'chunked' }), digest);
    t.same(servernames, [false], 'an address is no server name (RFC 6066 §3)');
    t.same(protocols, ['http/1.1']);
  });

  await t.test('a name is asked for by name', async (t) => {
    t.equal(await echoed(proxy.port, '/name', body), digest);
    t.equal(servernames.at(-1), 'localhost');
  });

  await t.test('one that was made out to another name is not believed', async (t) => {
    t.match(await request(proxy.port, '/another'), { status: 502, body: /tls-failed/ });
  });

  // Records that arrived together come one by one though the first was held back: each began to wait for the client
  // by itself, with a listener of its own, and Node warned of a leak on the standard error.
  await t.test('small records to a slow client: held back once', async (t) => {
    t.equal(await echoed(proxy.port, '/', body, { 'x-records': 'small' }, 300), digest);
    t.equal(proxy.output.stderr, '');
  });
});
