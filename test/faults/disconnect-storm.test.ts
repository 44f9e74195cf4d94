import http from 'node:http';
import net from 'node:net';
import { once } from 'node:events';
import t from 'tap';
import { until } from '../support/client.ts';
import { startBeside } from '../support/beside.ts';
import { get, switching, upgrade } from '../support/dialogue.ts';
import { startUpstream } from '../support/upstream.ts';

const skip = process.platform === 'linux' ? false : 'what a process has open is read from /proc';
const crowd = 200;

/** Where each client is when it leaves. */
const requests = {
  'before the head': get('/sick/head'),
  'in a body': get('/sick/body'),
  'in an upload': 'POST /sick/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nsome',
  'in an event stream': get('/sick/events'),
  'in a WebSocket': upgrade('/sick/socket'),
};
const ways = {
  close: (socket: net.Socket) => socket.destroy(),
  reset: (socket: net.Socket) => socket.resetAndDestroy(),
};

await t.test(
  `a thousand clients that leave at once: their upstream connections are gone within two seconds`,
  { skip, timeout: 60_000 },
  async (t) => {
    const tunnels = new Set<net.Socket>();
    const upstream = await startUpstream(t, (req, res) => {
      if (req.url === '/sick/body') res.writeHead(200, { 'content-length': 100 }).write('part');
      if (req.url === '/sick/events')
        res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
    });
    upstream.server.on('upgrade', (_req: http.IncomingMessage, socket: net.Socket) => {
      tunnels.add(socket.on('error', () => {}).on('close', () => tunnels.delete(socket)));
      socket.on('end', () => socket.end()).resume();
      socket.write(switching);
    });
    const held = () =>
      new Promise<number>((resolve) => upstream.server.getConnections((_error, count) => resolve(count)));
    const limits = `maxConnections: ${crowd * 5}, connectTimeout: 20s`;
    const proxy = await startBeside(t, upstream.url, { upstream: limits });
    const all = crowd * Object.keys(requests).length;

    for (const [way, leave] of Object.entries(ways))
      await t.test(`by a ${way}`, async (t) => {
        const clients: net.Socket[] = [];
        for (const bytes of Object.values(requests)) {
          const some = Array.from({ length: crowd }, () =>
            net.connect(proxy.port, '127.0.0.1').on('error', () => {}),
          );
          await Promise.all(some.map((socket) => once(socket, 'connect')));
          for (const socket of some) socket.resume().write(bytes);
          clients.push(...some);
        }
        await until(
          async () => (await held()) === all && tunnels.size === crowd,
          'all are under way',
          20_000,
        );

        const { result, unserved } = await proxy.meanwhile(async () => {
          const left = performance.now();
          for (const socket of clients) leave(socket);
          await until(async () => (await held()) === 0, 'no upstream connection is left', 10_000);
          return performance.now() - left;
        });
        t.ok(result < 2000, `the last was gone after ${result.toFixed(0)} ms`);
        t.equal(tunnels.size, 0);
        t.same(unserved, [], 'others are served meanwhile');
        await proxy.settled();
      });
    t.equal(proxy.child.exitCode, null);
  },
);
