import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import type { Test } from 'tap';

/** A way to a Redis on a port of this machine, for one of its clients alone. */
export async function wayTo(t: Pick<Test, 'teardown'>, port: number) {
  const sockets = new Set<Socket>();
  let open = true;
  let held: { text: string; release?: () => void } | undefined;
  const server = net.createServer((near) => {
    if (!open) return void near.destroy();
    const far = net.connect(port, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => other.destroy());
    }
    near.on('data', (bytes) => {
      if (held?.release === undefined && held !== undefined && bytes.includes(held.text)) {
        far.unpipe(near);
        held.release = () => far.pipe(near);
      }
    });
    near.pipe(far);
    far.pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    open = false;
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  t.teardown(() => {
    cut();
    server.close();
  });
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** What stands is cut, and nobody comes through until `heal`. */
    cut,
    heal: () => void (open = true),
    /** Redis gets the next request with this text, and its answer waits until the function returned is called. */
    holdAnswerTo(text: string): () => void {
      const holding: { text: string; release?: () => void } = { text };
      held = holding;
      return () => {
        held = undefined;
        holding.release?.();
      };
    },
  };
}
