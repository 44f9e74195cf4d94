import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import http2 from 'node:http2';
import net, { type Socket } from 'node:net';
import tls from 'node:tls';
import { readAnswer } from './client.ts';

type Headers = Readonly<Record<string, string>>;

/** Asks for a path on a connection that nothing has been asked on; gives the status of each answer. */
export type Speak = (socket: Socket, path: string, headers: Headers, times?: number) => Promise<number[]>;

async function http1(socket: Socket, path: string, headers: Headers, times = 1): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < times; i += 1) {
    const req = http.get({
      path,
      headers: { host: 'a', connection: 'keep-alive', ...headers },
      createConnection: () => socket,
    });
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    statuses.push((await readAnswer(res)).status);
  }
  return statuses;
}

async function h2(socket: Socket, path: string, headers: Headers, times = 1): Promise<number[]> {
  const session = http2.connect('http://a', { createConnection: () => socket });
  const failed = new Promise<never>((_, reject) => {
    session.on('error', reject).on('close', () => reject(new Error('the session was closed')));
  });
  failed.catch(() => {});
  const statuses: number[] = [];
  for (let i = 0; i < times; i += 1) {
    const stream = session.request({ ':path': path, ...headers }).on('error', () => {});
    const answer = once(stream, 'response') as Promise<
      [http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader]
    >;
    const [{ ':status': status = 0 }] = await Promise.race([answer, failed]);
    await once(stream.resume(), 'close');
    statuses.push(status);
  }
  session.destroy();
  return statuses;
}

const secure =
  (protocol: string, speak: Speak): Speak =>
  async (socket, path, headers, times) => {
    const above = tls.connect({ socket, rejectUnauthorized: false, ALPNProtocols: [protocol] });
    await once(above, 'secureConnect');
    return speak(above, path, headers, times);
  };

/** Every front door: what `listen` says of it, beside its address and the files `cert.pem` and `key.pem`, and how it is spoken to. */
export const doors: readonly { name: string; listen: string; speak: Speak }[] = [
  { name: 'HTTP/1.1', listen: '', speak: http1 },
  { name: 'HTTP/1.1 where HTTP/2 is spoken, too', listen: ', http2: true', speak: http1 },
  { name: 'HTTP/2 with prior knowledge', listen: ', http2: true', speak: h2 },
  {
    name: 'HTTP/1.1 over TLS',
    listen: ', tls: { cert: cert.pem, key: key.pem }',
    speak: secure('http/1.1', http1),
  },
  { name: 'HTTP/2 over TLS', listen: ', tls: { cert: cert.pem, key: key.pem }', speak: secure('h2', h2) },
];

/** A connection on which these pieces have been said. */
export async function begun(port: number, ...pieces: readonly Buffer[]): Promise<Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  for (const piece of pieces) {
    socket.write(piece);
    if (pieces.length > 1) await new Promise(setImmediate);
  }
  return socket;
}
