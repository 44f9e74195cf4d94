import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import type { Test } from 'tap';

const head = (fields: string) => `HTTP/1.1 200 OK\r\n${fields}\r\n\r\n`;

/** What an upstream does with a request whose head has come. */
const answers = {
  well: (socket: Socket) => socket.end(`${head('Content-Length: 4\r\nConnection: close')}well`),
  'says nothing': () => {},
  'resets before the head': (socket: Socket) => socket.resetAndDestroy(),
  'ends before the head': (socket: Socket) => socket.end(),
  'ends short of its Content-Length': (socket: Socket) => socket.end(`${head('Content-Length: 100')}part`),
  'resets in the body': (socket: Socket) =>
    socket.write(`${head('Transfer-Encoding: chunked')}4\r\npart\r\n`, () => socket.resetAndDestroy()),
  'falls silent in the body': (socket: Socket) => socket.write(`${head('Content-Length: 100')}part`),
  'talks garbage': (socket: Socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n\r\n'),
  'has two Content-Lengths': (socket: Socket) =>
    socket.write(`${head('Content-Length: 4\r\nContent-Length: 5')}part`),
} satisfies Record<string, (socket: Socket) => unknown>;

export const moods = Object.keys(answers) as (keyof typeof answers)[];

export type Mood = keyof typeof answers | 'refuses';

/** An upstream of bytes whose every answer is as its mood is. Its connections stay open as long as the proxy wants them. */
export async function startMoody(t: Pick<Test, 'teardown'>) {
  const sockets = new Set<Socket>();
  let mood: keyof typeof answers = 'well';
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    let received = '';
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.on('end', () => socket.end());
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      for (let end = 0; (end = received.indexOf('\r\n\r\n')) !== -1;) {
        received = received.slice(end + 4);
        answers[mood](socket);
      }
    });
  });
  const close = () => {
    if (server.listening) server.close();
    for (const socket of sockets) socket.destroy();
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  t.teardown(close);
  return {
    url: `http://127.0.0.1:${port}`,
    /** Connections that are open. */
    sockets: sockets as ReadonlySet<Socket>,
    async becomes(next: Mood): Promise<void> {
      if (next === 'refuses') return close();
      mood = next;
      if (server.listening) return;
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
  };
}
