import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import tls, { type TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { cut } from '../../src/upstream/cut.ts';
import { authority } from '../support/authority.ts';
import { until } from '../support/client.ts';
import { openPool, send } from '../support/exchange.ts';

const agrees = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';

/** A tunnel over TLS that stands, and what its far end saw. */
async function tunnel(t: Test) {
  const events: string[] = [];
  const ends: TLSSocket[] = [];
  const server = tls.createServer({ ...authority().issue(), allowHalfOpen: true }, (socket) => {
    ends.push(socket);
    socket.once('data', () => socket.write(agrees));
    for (const event of ['end', 'close']) socket.on(event, () => events.push(event));
    socket.on('error', ({ code }: NodeJS.ErrnoException) => events.push(String(code)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const end of ends) end.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const pool = openPool(t, `https://127.0.0.1:${port}`, { tls: { verify: false } });
  const client = new PassThrough();
  const sent = send(pool, {}, { framing: 'tunnel', stream: client, protocol: 'websocket' });
  await until(() => sent.report.status === 101, 'it stands');
  return { ...sent, pool, client, events, end: ends[0] as TLSSocket };
}

// Node cannot reset TLS, and threw ERR_INVALID_HANDLE_TYPE where nobody caught it.
await t.test('a tunnel over TLS that is cut is cut for the upstream, and does not just end', async (t) => {
  const { exchange, events, pool } = await tunnel(t);
  exchange.abort();
  await until(() => events.includes('close'), 'the far end has closed');
  t.same(events, ['ECONNRESET', 'close']);
  t.match(pool.counts(), { tunnels: 0 });
});

await t.test('one that the upstream resets fails', async (t) => {
  const { done, end } = await tunnel(t);
  cut(end);
  t.match(await done, { status: 101, error: 'reset' });
});

await t.test('each way ends by itself', async (t) => {
  const { client, end, events, report, pool } = await tunnel(t);
  client.end('the last of the client');
  await until(() => events.includes('end'), 'one way has ended');
  end.end('the last of the upstream');
  await until(() => report.events.includes('end'), 'the other way has ended');
  t.equal(report.body, 'the last of the upstream');
  await until(() => pool.counts().tunnels === 0, 'the connection has ended');
  t.same(events, ['end', 'close']);
});
