import net, { type Socket } from 'node:net';
import type { Test } from 'tap';
import { until } from './client.ts';

/** A client of bytes that half-closes: its side stays open when the proxy has ended its own. */
export type Dialogue = {
  socket: Socket;
  received(): string;
  /** Waits for a text in what has come, and gives all that has come. */
  heard(text: string): Promise<string>;
  /** Waits until the proxy has ended or cut the connection, and gives all that has come. */
  over(within?: number): Promise<string>;
};

/** Opens a connection and sends `bytes`, which are read as latin1. */
export function openDialogue(t: Pick<Test, 'teardown'>, port: number, bytes = ''): Dialogue {
  let received = '';
  let over = false;
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  socket.on('data', (chunk) => (received += chunk.toString('latin1')));
  for (const event of ['end', 'close']) socket.on(event, () => (over = true));
  t.teardown(() => socket.destroy());
  if (bytes !== '') socket.write(bytes, 'latin1');
  return {
    socket,
    received: () => received,
    async heard(text) {
      await until(() => received.includes(text), `the client hears ${JSON.stringify(text)}`);
      return received;
    },
    async over(within = 1000) {
      await until(() => over, "the client's connection is over", within);
      return received;
    },
  };
}

/** A configuration with one plain route to one upstream; `keys` are further keys of the upstream. */
export const plain = (url: string, keys = ''): string => `
upstreams:
  api: { url: "${url}"${keys === '' ? '' : `, ${keys}`} }
routes:
  - { name: all, upstream: api }
shutdown: { drain: 100ms }
`;

export const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

/** The head of a WebSocket's request; `more` are further header lines, each with its end. */
export const upgrade = (path: string, more = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${more}\r\n`;

/** The head that agrees to it. */
export const switching =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';
