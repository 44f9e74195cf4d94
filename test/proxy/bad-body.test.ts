import t from 'tap';
import net from 'node:net';
import { once } from 'node:events';
import { until } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startRawUpstream } from '../support/upstream.ts';

// Node finds a bad chunk when the handler has long run: the upstream must never take the cut body for a whole one.
await t.test('a body that turns out malformed never completes upstream', async (t) => {
  const bodies: string[] = [];
  const upstream = await startRawUpstream(t, (socket, received) =>
    socket.on('close', () => bodies.push(received())).on('end', () => socket.end()),
  );
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  for (const bad of ['zz\r\nmore', '-1\r\nx', 'ffffffffffffffffff\r\nx', '3\r\nabcdef\r\n']) {
    const socket = net.connect(proxy.port, '127.0.0.1').on('error', () => {});
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.write('POST /fact/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n');
    const before = bodies.length;
    await until(() => upstream.sockets.size > 0, 'the upload is under way');
    socket.write(bad);
    await once(socket, 'close');
    await until(() => bodies.length > before, 'the upstream connection ends');
    t.notMatch(bodies.at(-1), /\r\n0\r\n/, `${JSON.stringify(bad)}: no last chunk`);
    t.notMatch(answer, /HTTP\/1\.1 2/);
  }
});

await t.test('an answer to garbage is never taken for the answer still owed', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  const socket = net.connect(proxy.port, '127.0.0.1').on('error', () => {});
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
  socket.write('GET /fact/ HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => upstream.sockets.size > 0, 'the request is under way');
  socket.write('no request at all\r\n\r\n');
  await once(socket, 'close');
  t.equal(answer, '', 'cut, not 400');
});
