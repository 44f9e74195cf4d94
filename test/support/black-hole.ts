import { once } from 'node:events';
import net from 'node:net';
import type { Test } from 'tap';
import { spawnNode } from './plain-node.ts';

/** For tap's `skip`. */
export const skipWithoutBlackHole =
  process.platform === 'linux' ? false : 'a full backlog drops connections on Linux alone';

const program = `
  const server = require('node:http').createServer((req, res) => res.setHeader('connection', 'close').end('well'));
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port));`;

/** An upstream that swallows connections: its process is stopped, and the two places of its backlog are taken. */
export async function startBlackHole(t: Pick<Test, 'teardown'>) {
  const child = spawnNode(['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const [said] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  const port = Number(said.toString());
  child.kill('SIGSTOP');
  const taken: net.Socket[] = [];
  for (let i = 0; i < 2; i += 1) {
    const socket = net.connect(port, '127.0.0.1').on('error', () => {});
    t.teardown(() => socket.destroy());
    taken.push(socket);
    await once(socket, 'connect');
  }
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    /** From now on it takes connections and serves. */
    heal() {
      for (const socket of taken) socket.destroy();
      child.kill('SIGCONT');
    },
  };
}
