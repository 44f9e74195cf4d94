import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { Test } from 'tap';
import type { ListenTls } from '../../src/config/tls-schema.ts';
import { openCertificates, type Certificates } from '../../src/proxy/certificates.ts';
import { createTlsDoor, type TlsDoorOptions } from '../../src/proxy/tls-door.ts';

export type OpenDoor = {
  port: number;
  certificates: Certificates;
  /** Handshakes that failed, as they are named. */
  failures: string[];
  /** What was logged. */
  logged: string[];
};

/** A door that says to whoever is through: protocol, version, and whether it comes again. What it is sent it sends back. */
export async function openTlsDoor(
  t: Pick<Test, 'teardown'>,
  listen: Pick<ListenTls, 'cert' | 'key'> & Partial<ListenTls>,
  options: Partial<TlsDoorOptions> = {},
  accept: (raw: net.Socket, take: (raw: net.Socket) => void) => void = (raw, take) => take(raw),
): Promise<OpenDoor> {
  const failures: string[] = [];
  const logged: string[] = [];
  const say = (_fields: unknown, message: string) => void logged.push(message);
  const certificates = await openCertificates(
    { minVersion: 'TLSv1.2', more: [], clientCa: undefined, ...listen },
    { info: say, warn: say, error: say },
  );
  const door = createTlsDoor(
    certificates,
    { http2: true, handshakeTimeout: 2000, onFailed: (failure) => void failures.push(failure), ...options },
    (socket, raw) => {
      socket.on('error', () => socket.destroy());
      socket.write(
        JSON.stringify({
          protocol: socket.alpnProtocol,
          version: socket.getProtocol(),
          resumed: socket.isSessionReused(),
          below: raw.remotePort === socket.remotePort && raw !== socket,
          client: socket.getPeerCertificate().subject?.CN,
        }),
      );
      socket.pipe(socket);
    },
  );
  const server = net
    .createServer({ allowHalfOpen: true }, (raw) => accept(raw, door.take))
    .listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    server.close();
    door.close();
    await certificates.close();
  });
  return { port: (server.address() as AddressInfo).port, certificates, failures, logged };
}

export type Met = {
  /** What the door said, if it let the client in. */
  said: Record<string, unknown> | undefined;
  /** The first name of the certificate that was shown. */
  shown: string | undefined;
  /** Why it did not come about. */
  error: string | undefined;
  socket: TLSSocket;
  /** What it could resume, once it comes. */
  session: Promise<Buffer>;
};

/** Comes to a door as a client, and stays connected until the test ends. */
export async function meet(
  t: Pick<Test, 'teardown'>,
  port: number,
  options: ConnectionOptions = {},
): Promise<Met> {
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  t.teardown(() => socket.destroy());
  const session = new Promise<Buffer>((resolve) => socket.once('session', resolve));
  let shown: string | undefined;
  socket.once('secureConnect', () => {
    const { subject } = socket.getPeerCertificate();
    shown = subject === undefined ? undefined : [subject.CN].flat()[0];
  });
  return new Promise((resolve) => {
    socket.once('data', (bytes) =>
      resolve({ said: JSON.parse(String(bytes)), shown, error: undefined, socket, session }),
    );
    socket.on('error', (error: NodeJS.ErrnoException) =>
      resolve({ said: undefined, shown, error: error.code ?? error.message, socket, session }),
    );
    socket.once('close', () => resolve({ said: undefined, shown, error: 'closed', socket, session }));
  });
}
