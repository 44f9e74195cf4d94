import t from 'tap';
import { until } from '../support/client.ts';
import { codes, headers, reset, speakFrames } from '../support/frames.ts';
import { startProxy } from '../support/proxy.ts';
import { begun } from '../support/spoken.ts';
import { startRawUpstream } from '../support/upstream.ts';
import { plain } from '../support/wire.ts';

// Node does not call a HEAD aborted, whenever it is reset: a rapid reset (CVE-2023-44487) of them must count all the same.
for (const code of [codes.cancel, codes.none])
  await t.test(`HEADs that are cancelled once they are under way, with ${code}`, async (t) => {
    const upstream = await startRawUpstream(t, (socket) => socket.on('end', () => socket.end()));
    const listen = 'listen: { address: "127.0.0.1:0", http2: true }';
    const { port } = await startProxy(t, `${listen}\n${plain(upstream.url)}`);
    const client = speakFrames(await begun(port));
    for (let first = 1; first < 2000 && client.gone() === undefined; first += 40) {
      const streams = Array.from({ length: 20 }, (_, i) => first + 2 * i);
      const before = upstream.connections();
      client.send(
        ...streams.map((stream) =>
          headers(stream, [
            [':method', 'HEAD'],
            [':scheme', 'http'],
            [':authority', 'a'],
            [':path', '/'],
          ]),
        ),
      );
      await until(
        () => upstream.connections() >= before + 20 || client.gone() !== undefined,
        'all 20 upstream',
      );
      client.send(...streams.map((stream) => reset(stream, code)));
      await until(() => upstream.sockets.size === 0 || client.gone() !== undefined, 'all 20 gone');
    }
    await until(() => client.gone() !== undefined, 'the end of the connection');
    t.ok(upstream.connections() < 500, 'which is not borne for long');
  });
