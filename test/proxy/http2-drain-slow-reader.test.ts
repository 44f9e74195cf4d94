import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { until } from '../support/client.ts';
import { frame, headers, speakFrames, types } from '../support/frames.ts';
import { startProxy } from '../support/proxy.ts';
import { begun } from '../support/spoken.ts';
import { plain } from '../support/wire.ts';

// To Node the stream is closed as soon as its last frame is written, and the client has yet to read most of the answer. It
// updates its windows as it does, or acknowledges settings: once the connection is closed, the first of that would be answered by
// a reset, at which its system throws away what it has not read.
await t.test('a stop waits for a client of HTTP/2 that is still reading its answer', async (t) => {
  const body = Buffer.alloc(1_000_000, 'x');
  const upstream = createServer((_req, res) => void res.end(body)).listen(0, '127.0.0.1');
  t.teardown(() => upstream.close());
  await once(upstream, 'listening');
  const { port: to } = upstream.address() as AddressInfo;
  const listen = 'listen: { address: "127.0.0.1:0", http2: true }';
  const proxy = await startProxy(t, `${listen}\n${plain(`http://127.0.0.1:${to}`)}`);
  const socket = await begun(proxy.port);
  const client = speakFrames(socket, { 4: 0x7f_ff_ff_ff });
  const wideOpen = frame(types.windowUpdate, 0, 0, '\x7f\0\0\0');
  const request = headers(1, [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'a'],
    [':path', '/'],
    ['x-request-id', 'slow'],
  ]);
  client.send(wideOpen, request);
  socket.pause();
  await proxy.accessLine('slow');
  const stopped = proxy.stop();
  // Longer than what has no request is left at a stop, and shorter than its drain.
  setTimeout(() => socket.resume(), 500);
  await stopped;
  await until(() => client.fateOf(1).ended, 'its end');
  t.equal(client.fateOf(1).data.length, body.length);
  t.equal(client.gone(), 0);
});
