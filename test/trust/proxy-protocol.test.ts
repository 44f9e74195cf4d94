import { once } from 'node:events';
import * as fc from 'fast-check';
import t from 'tap';
import { request, until } from '../support/client.ts';
import { proxyHeader1, proxyHeader2, tlv } from '../support/proxy-header.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { selfSigned } from '../support/self-signed.ts';
import { begun, doors, type Speak } from '../support/spoken.ts';
import { startUpstream } from '../support/upstream.ts';

const files = { 'flags.yaml': evenFlags, 'cert.pem': selfSigned.cert, 'key.pem': selfSigned.key };
const upstream = await startUpstream(t, (_req, res) => res.end());

const yaml = (listen: string, trusted: string, more = '') =>
  `listen: { address: "127.0.0.1:0", proxyProtocol: true${listen} }\n${flagged(upstream.url, upstream.url, `trustedProxies: [${trusted}]\n${more}`)}`;

/** Asks on a connection that begins so, and gives what the upstream was told of the client. */
async function toldOf(port: number, speak: Speak, pieces: readonly Buffer[]): Promise<string | undefined> {
  const socket = await begun(port, ...pieces);
  const before = upstream.seen.length;
  const statuses = await speak(socket, '/fact/', { 'x-forwarded-for': '203.0.113.5', cookie: 'uid=alice' });
  socket.destroy();
  if (statuses[0] !== 200 || upstream.seen.length !== before + 1)
    throw new Error(`answered ${String(statuses)}`);
  return upstream.seen.at(-1)?.headers['x-forwarded-for'] as string | undefined;
}

const own = proxyHeader2('', { command: 0x20, kind: 0 });
const rows: [what: string, header: Buffer, told: string][] = [
  ['version 1', proxyHeader1('192.0.2.7'), '192.0.2.7'],
  ['version 1, IPv6', proxyHeader1('2001:db8::7'), '2001:db8::7'],
  ['version 2', proxyHeader2('192.0.2.7'), '192.0.2.7'],
  ['version 2, IPv6, and more told', proxyHeader2('2001:db8::7', { more: [tlv(2, 300)] }), '2001:db8::7'],
  ['a client that is a trusted proxy itself', proxyHeader2('10.1.2.3'), '203.0.113.5, 10.1.2.3'],
  ['the proxy itself', own, '203.0.113.5, 127.0.0.1'],
  ['nobody known, in version 1', Buffer.from('PROXY UNKNOWN\r\n'), '127.0.0.1'],
  ['nobody known, in version 2', proxyHeader2('', { kind: 0x31, more: [Buffer.alloc(216)] }), '127.0.0.1'],
];

for (const { name, listen, speak } of doors) {
  await t.test(`${name}: the client is who the header says, and its own headers are its own`, async (t) => {
    const proxy = await startProxy(t, yaml(listen, 'loopback, private'), files);
    for (const [what, header, told] of rows) {
      t.equal(await toldOf(proxy.port, speak, [header]), told, what);
      const half = Math.floor(header.length / 2);
      const pieces = [header.subarray(0, 1), header.subarray(1, half), header.subarray(half)];
      t.equal(await toldOf(proxy.port, speak, pieces), told, `${what}, in pieces`);
    }
    const socket = await begun(proxy.port, proxyHeader1('192.0.2.7'));
    t.same(
      await speak(socket, '/fact/', { cookie: 'uid=alice' }, 3),
      [200, 200, 200],
      'for all requests of the connection',
    );
    t.same(
      upstream.seen.slice(-3).map(({ headers }) => headers['x-forwarded-for']),
      ['192.0.2.7', '192.0.2.7', '192.0.2.7'],
    );
    socket.destroy();
  });

  await t.test(`${name}: from anybody else, a header is no beginning of anything`, async (t) => {
    const proxy = await startProxy(t, yaml(listen, '192.0.2.1'), files);
    const before = upstream.seen.length;
    for (const header of [proxyHeader1('192.0.2.7'), proxyHeader2('192.0.2.7'), own])
      await t.rejects(toldOf(proxy.port, speak, [header]));
    t.equal(upstream.seen.length, before, 'no request arrives');
    t.equal(await toldOf(proxy.port, speak, []), '127.0.0.1', 'and without one they are served');
  });

  await t.test(
    `${name}: a trusted proxy that does not send one is not served, and that is counted`,
    async (t) => {
      const proxy = await startProxy(t, yaml(listen, 'loopback'), files);
      const before = upstream.seen.length;
      await t.rejects(toldOf(proxy.port, speak, []));
      await t.rejects(
        toldOf(proxy.port, speak, [Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n')]),
      );
      await t.rejects(
        toldOf(proxy.port, speak, [proxyHeader1('192.0.2.7'), proxyHeader1('192.0.2.8')]),
        'nor one that sends two',
      );
      t.equal(upstream.seen.length, before);
      const { body } = await request(proxy.adminPort, '/metrics');
      t.match(body, /\{.*"bad_proxy_header".*\} 2$/m);
      t.equal(await toldOf(proxy.port, speak, [own]), '203.0.113.5, 127.0.0.1', 'others are');
    },
  );
}

const http1 = doors[0]?.speak as Speak;

await t.test(
  'a connection that is silent where a header belongs is told so in time, and ended',
  async (t) => {
    const proxy = await startProxy(t, yaml('', 'loopback', 'limits: { headTimeout: 200ms }'), files);
    for (const said of ['', 'PROXY TCP4 192.0.2.7']) {
      const socket = await begun(proxy.port, Buffer.from(said));
      let heard = '';
      socket.on('data', (chunk) => (heard += String(chunk)));
      await once(socket, 'close');
      t.match(heard, /^HTTP\/1\.1 408 /, JSON.stringify(said));
    }
  },
);

await t.test('whom to trust is judged anew by the address of the header', async (t) => {
  const proxy = await startProxy(t, yaml('', 'loopback'), files);
  const socket = await begun(proxy.port, proxyHeader1('10.1.2.3'));
  const ask = async () => {
    await http1(socket, '/fact/', { 'x-forwarded-for': '203.0.113.5' });
    return upstream.seen.at(-1)?.headers['x-forwarded-for'];
  };
  t.equal(await ask(), '10.1.2.3');
  await proxy.reload(yaml('', 'loopback, private'));
  t.equal(await ask(), '203.0.113.5, 10.1.2.3');
  await proxy.reload(yaml('', '192.0.2.1'));
  t.equal(await ask(), '10.1.2.3');
  socket.destroy();
});

await t.test('a tunnel is begun by whom the header says', async (t) => {
  const proxy = await startProxy(t, yaml('', 'loopback'), files);
  const upgrade =
    'GET /fact/ HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: a\r\n\r\n';
  const before = upstream.seen.length;
  const sockets: unknown[] = [];
  upstream.server.once('upgrade', (req, socket) => {
    sockets.push(req.headers['x-forwarded-for']);
    socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello');
  });
  const socket = await begun(proxy.port, Buffer.concat([proxyHeader2('192.0.2.7'), Buffer.from(upgrade)]));
  let heard = '';
  socket.on('data', (chunk) => (heard += String(chunk)));
  await until(() => heard.endsWith('hello'), 'the tunnel');
  t.same(sockets, ['192.0.2.7']);
  t.equal(upstream.seen.length, before);
  socket.destroy();
});

await t.test(
  'whatever a trusted proxy sends, the process lives, and nothing but whole requests passes',
  async (t) => {
    const proxy = await startProxy(t, yaml(', http2: true', 'loopback'), files);
    const before = upstream.seen.length;
    const piece = fc.oneof(
      fc.constantFrom(
        proxyHeader1('192.0.2.7'),
        proxyHeader2('192.0.2.7'),
        own,
        Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
      ),
      fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    );
    const ends = fc.constantFrom('end', 'reset', 'close');
    const holds = fc.asyncProperty(fc.array(piece, { maxLength: 4 }), ends, async (pieces, how) => {
      const socket = await begun(proxy.port, ...pieces);
      if (how === 'reset') socket.resetAndDestroy();
      else if (how === 'close') socket.destroy();
      else socket.end();
      if (how === 'end' && !socket.closed) await once(socket.resume(), 'close');
    });
    await t.resolves(fc.assert(holds, { numRuns: 200 }));
    t.equal(upstream.seen.length, before);
    t.equal(await toldOf(proxy.port, http1, [proxyHeader1('192.0.2.7')]), '192.0.2.7');
    t.same(proxy.logLines('error'), []);
    await proxy.stop();
    t.same(proxy.logLines('fatal'), []);
  },
);
