import net, { type Socket } from 'node:net';
import { once } from 'node:events';
import type { Test } from 'tap';

/** A plain route to one upstream; `limits` and `upstream` are what else stands in these two maps. */
export const limited = (url: string, { limits = '', upstream = '' } = {}): string => `
upstreams: { api: { url: "${url}", ${upstream} } }
routes: [{ name: api, upstream: api }]
limits: { ${limits} }
shutdown: { drain: 100ms }
`;

export type RawClient = {
  socket: Socket;
  received: () => string;
  /** Resolves once the connection is gone, by an end or a reset, with all that was received. */
  closed: Promise<string>;
};

/** A client of bytes, which stays until it is closed. */
export async function connectRaw(t: Pick<Test, 'teardown'>, port: number, bytes = ''): Promise<RawClient> {
  const socket = net.connect(port, '127.0.0.1').setEncoding('latin1').setNoDelay();
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk)));
  socket.on('error', () => {});
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(text)));
  t.teardown(() => socket.destroy());
  await Promise.race([once(socket, 'connect'), closed]);
  if (bytes !== '') socket.write(bytes, 'latin1');
  return { socket, received: () => text, closed };
}
