import net from 'node:net';
import { once } from 'node:events';
import t from 'tap';
import { request, until } from '../support/client.ts';
import { get, switching, upgrade } from '../support/dialogue.ts';
import { connectRaw, limited } from '../support/limited.ts';
import { startProxy } from '../support/proxy.ts';
import { startRawUpstream } from '../support/upstream.ts';

const idle = 500;
const head = (fields: string) => `HTTP/1.1 200 OK\r\n${fields}\r\n\r\n`;
const mebibytes = 32;

/** What either side does before it is heard no more: a machine that lost its power, or a way, says no goodbye. */
const upstream = await startRawUpstream(t, (socket, received) => {
  socket.on('end', () => socket.destroy());
  socket.once('data', () => {
    const [, path] = /^\w+ \/(\w+) /.exec(received()) ?? [];
    if (path === 'half') socket.write(`${head('Content-Length: 100')}part`);
    else if (path === 'stream') socket.write(`${head('Content-Type: text/event-stream')}data: 1\n\n`);
    else if (path === 'tunnel') socket.write(switching);
    else if (path === 'big') {
      socket.write(head(`Content-Length: ${mebibytes * 1024 ** 2}`));
      socket.write(Buffer.alloc(mebibytes * 1024 ** 2));
    } else if (path === 'well') socket.end(`${head('Content-Length: 4\r\nConnection: close')}well`);
  });
});
const settings = {
  upstream: `idleTimeout: ${idle}ms, responseTimeout: 10s, maxTunnels: 10`,
  limits: `bodyIdleTimeout: ${idle}ms`,
};
const proxy = await startProxy(t, limited(upstream.url, settings));

const upload = 'POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\npart';
const silences: Record<string, string> = {
  'an upstream that is gone in its body': get('/half'),
  'one that is gone in an event stream': get('/stream'),
  'a client that is gone in its upload': upload,
  'both ends of a tunnel': upgrade('/tunnel'),
};

for (const [who, bytes] of Object.entries(silences))
  await t.test(`${who}: the deadline frees both sides`, async (t) => {
    const before = upstream.connections();
    const client = await connectRaw(t, proxy.port, bytes);
    await until(() => upstream.connections() > before && upstream.sockets.size === 1, 'both sides are held');
    await freed(client.closed);
  });

// Nothing comes back from it, not even that it took anything: what it does not take is all there is to tell by.
await t.test('a client that is gone in a download: the deadline frees both sides', async (t) => {
  const client = net.connect(proxy.port, '127.0.0.1').on('error', () => {});
  t.teardown(() => client.destroy());
  const reset = once(client, 'close');
  client.write(get('/big'));
  await once(client, 'readable');
  await until(() => upstream.sockets.size === 0, 'the upstream is freed', idle + 2000);
  await until(async () => (await connections()) === 0, 'so is the place of the client', 2000);
  client.resume();
  await reset;
});

await t.test('then there is room, and all is as before', async (t) => {
  t.match(await request(proxy.port, '/well'), { status: 200, body: 'well' });
});

async function freed(closed: Promise<unknown>): Promise<void> {
  const since = performance.now();
  await closed;
  const took = performance.now() - since;
  t.ok(took >= idle - 100 && took < idle + 2000, `the client after ${took.toFixed(0)} ms`);
  await until(() => upstream.sockets.size === 0, 'the upstream, too', 1000);
}

/** Clients that the proxy still holds, by its own account. */
async function connections(): Promise<number> {
  const { body } = await request(proxy.adminPort, '/metrics');
  return Number(/^trenchcoat_client_connections (\d+)$/m.exec(body)?.[1]);
}
