import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import t from 'tap';
import { until } from '../support/client.ts';
import { data, headers, reset, speakFrames, type Field } from '../support/frames.ts';
import { startProxy } from '../support/proxy.ts';
import { begun } from '../support/spoken.ts';
import { startRawUpstream } from '../support/upstream.ts';
import { plain } from '../support/wire.ts';

let [received, upstream] = [() => '', undefined as Socket | undefined];
const { url } = await startRawUpstream(t, (socket, got) => {
  [upstream, received] = [socket, got];
  socket.on('end', () => socket.end());
});
const { port } = await startProxy(t, `listen: { address: "127.0.0.1:0", http2: true }\n${plain(url)}`);

const begin = (method: string, ...more: Field[]) =>
  headers(1, [[':method', method], [':scheme', 'http'], [':authority', 'a'], [':path', '/'], ...more], false);

// Node ends our side of a HEAD as it comes, and has the other side end as if it were whole when it is reset.
for (const method of ['HEAD', 'POST'])
  await t.test(`a ${method} that is reset within its body never looks whole to the upstream`, async (t) => {
    received = () => '';
    const client = speakFrames(await begun(port));
    client.send(begin(method), data(1, 'half', false));
    await until(() => received().endsWith('4\r\nhalf\r\n'), 'the half of it');
    client.send(reset(1));
    await once(upstream as Socket, 'close');
    t.match(received(), /4\r\nhalf\r\n$/, 'nothing ends the body');
    client.socket.destroy();
  });

// Where the upstream has ended its side of a tunnel, ours is as ended as that of a HEAD.
await t.test('a tunnel that is reset is cut for the upstream, also when it has ended its side', async (t) => {
  received = () => '';
  const client = speakFrames(await begun(port));
  client.send(begin('CONNECT', [':protocol', 'websocket']));
  const key = await until(() => /sec-websocket-key: (.*)\r\n/i.exec(received())?.[1], 'the wish');
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const agreed = `HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}`;
  const tunnel = upstream as Socket;
  let failed: NodeJS.ErrnoException | undefined;
  tunnel.on('error', (error) => (failed = error));
  tunnel.end(`${agreed}\r\n\r\n`);
  await until(() => client.fateOf(1).ended, 'its end');
  client.send(data(1, 'half a fra', false));
  await until(() => received().endsWith('half a fra'), 'what the client says');
  client.send(reset(1));
  await until(() => tunnel.destroyed, 'the end of the tunnel');
  t.match(failed, { code: 'ECONNRESET' });
  client.socket.destroy();
});
