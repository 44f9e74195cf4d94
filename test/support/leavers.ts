import type { IncomingMessage } from 'node:http';
import net, { type Socket } from 'node:net';
import { once } from 'node:events';
import type { Test } from 'tap';
import { until } from './client.ts';
import { get, switching, upgrade } from './dialogue.ts';
import { startUpstream } from './upstream.ts';

/** Where a client is in its exchange when it leaves: before the head, in a body, in an upload, a stream, a WebSocket. */
const requests = [
  get('/sick/head'),
  get('/sick/body'),
  'POST /sick/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nsome',
  get('/sick/events'),
  upgrade('/sick/socket'),
];

/** An upstream that never comes to an end with anybody, and knows who is there. */
export async function startHolding(t: Pick<Test, 'teardown'>) {
  const tunnels = new Set<Socket>();
  const upstream = await startUpstream(t, (req, res) => {
    if (req.url === '/sick/body') res.writeHead(200, { 'content-length': 100 }).write('part');
    if (req.url === '/sick/events')
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
  });
  upstream.server.on('upgrade', (_req: IncomingMessage, socket: Socket) => {
    tunnels.add(socket.on('error', () => {}).on('close', () => tunnels.delete(socket)));
    socket.on('end', () => socket.end()).resume();
    socket.write(switching);
  });
  const held = () =>
    new Promise<number>((resolve) => upstream.server.getConnections((_error, count) => resolve(count)));
  return {
    url: upstream.url,
    /** Connections that are open, tunnels among them. */
    held,
    /** This many clients, all of them under way, a fifth at each place of an exchange. */
    async gather(port: number, count: number): Promise<Socket[]> {
      const clients: Socket[] = [];
      for (const bytes of requests) {
        const some = Array.from({ length: count / requests.length }, () =>
          net.connect(port, '127.0.0.1').on('error', () => {}),
        );
        await Promise.all(some.map((socket) => once(socket, 'connect')));
        for (const socket of some) socket.resume().write(bytes);
        clients.push(...some);
      }
      const all = clients.length;
      const isUnderWay = async () => tunnels.size === all / requests.length && (await held()) === all;
      await until(isUnderWay, 'all are under way', 20_000);
      return clients;
    },
    /** Lets all of them leave at once; how many milliseconds later the last upstream connection was gone. */
    async scatter(clients: readonly Socket[], leave: (socket: Socket) => unknown): Promise<number> {
      const left = performance.now();
      for (const socket of clients) leave(socket);
      await until(async () => (await held()) === 0, 'no upstream connection is left', 10_000);
      return performance.now() - left;
    },
  };
}

/** How clients leave. */
export const ways = {
  close: (socket: Socket) => socket.destroy(),
  reset: (socket: Socket) => socket.resetAndDestroy(),
};
