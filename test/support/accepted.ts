import net, { type Socket } from 'node:net';
import { once } from 'node:events';
import type { Test } from 'tap';

/** Both ends of a new connection: the client's, and the one that a server has accepted and done nothing with. */
export async function accepted(
  t: Pick<Test, 'teardown'>,
  options: net.ServerOpts = { allowHalfOpen: true },
): Promise<{ client: Socket; socket: Socket }> {
  const server = net.createServer({ noDelay: true, ...options });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const arrives = once(server, 'connection') as Promise<[Socket]>;
  const client = net.connect({ port: (server.address() as net.AddressInfo).port, noDelay: true });
  const [socket] = await arrives;
  for (const end of [client, socket]) end.on('error', () => {});
  t.teardown(() => {
    client.destroy();
    socket.destroy();
    server.close();
  });
  return { client, socket };
}

/** Writes bytes so that the other end, in this process, reads each piece alone. */
export async function writePieces(client: Socket, pieces: readonly (string | Buffer)[]): Promise<void> {
  for (const piece of pieces) {
    client.write(piece, 'latin1');
    await arrival();
  }
}

/** Waits until what was written, or ended, in this process has been read in it. */
export async function arrival(): Promise<void> {
  for (let turns = 0; turns < 5; turns += 1) await new Promise(setImmediate);
}

/** The names of the listeners that something has, as often as it has them. */
export const listenersOf = (socket: Socket): string[] =>
  socket
    .eventNames()
    .flatMap((name) => Array.from({ length: socket.listenerCount(name) }, () => String(name)))
    .toSorted();
