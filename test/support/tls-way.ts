import net, { type AddressInfo, type Socket } from 'node:net';
import tls from 'node:tls';
import type { Test } from 'tap';
import { selfSigned } from './self-signed.ts';

/**
 * Lets tests that speak plainly show what they show of a front door with TLS: with `TEST_OVER_TLS` in the environment
 * each proxy is started with a certificate, and clients reach it by a port whose connections are carried over TLS.
 */
export const overTls = process.env['TEST_OVER_TLS'] === 'true';

/** What is written beside a configuration with TLS, and what opens it. */
export const certificate = {
  files: { 'door.crt': selfSigned.cert, 'door.key': selfSigned.key },
  keys: 'tls: { cert: door.crt, key: door.key }',
};

/** A port from which all that is said goes to another over TLS, ends and resets told apart. */
export async function wayOverTls(t: Pick<Test, 'teardown'>, to: number): Promise<number> {
  const sockets = new Set<Socket>();
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const raw = net.connect({ port: to, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const secure = tls.connect({
      socket: raw,
      ca: selfSigned.cert,
      servername: 'localhost',
      allowHalfOpen: true,
    } as tls.ConnectionOptions);
    for (const [socket, other] of [
      [client, raw],
      [raw, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.resetAndDestroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroySoon();
      });
    }
    secure.on('error', () => client.resetAndDestroy());
    client.pipe(secure).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
