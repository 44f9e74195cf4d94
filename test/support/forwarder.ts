import net, { type AddressInfo, type Socket } from 'node:net';
import type { Test } from 'tap';

/** A TCP way to a port that can be cut and mended. */
export async function startForwarder(t: Pick<Test, 'teardown'>, to: number) {
  const sockets = new Set<Socket>();
  let open = true;
  const server = net.createServer((client) => {
    if (!open) return void client.destroy();
    const upstream = net.connect(to, '127.0.0.1');
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const cut = () => {
    open = false;
    for (const socket of sockets) socket.destroy();
  };
  t.teardown(() => {
    cut();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    mend: () => void (open = true),
    /** Lets nothing more through, and closes nothing. */
    freeze: () => {
      for (const socket of sockets) socket.unpipe().pause();
    },
  };
}
