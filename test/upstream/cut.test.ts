import { once } from 'node:events';
import net from 'node:net';
import t from 'tap';
import { cut } from '../../src/upstream/cut.ts';
import { until } from '../support/client.ts';
import { startRawUpstream } from '../support/upstream.ts';

// libuv does not reset what is about to be ended, and Node then forgets to close it: the other end would wait for ever.
await t.test('A connection can be cut while it ends its side', async (t) => {
  const { port, sockets } = await startRawUpstream(t, () => {});
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
  await once(socket, 'connect');
  const other = await until(() => [...sockets][0], 'the other end');
  socket.end('last words');
  let closed = false;
  socket.on('close', () => (closed = true));
  cut(socket);
  await until(() => closed, 'it closes', 1000);
  await until(() => other.readableEnded || other.destroyed, 'and the other end hears of it', 1000);
  t.pass('both are done');
});
