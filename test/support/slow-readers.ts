import type { RequestListener } from 'node:http';
import net from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import { get } from './dialogue.ts';

const piece = Buffer.alloc(256 * 1024, 'raccoon ');

/** Answers with a body without an end, as fast as it is taken. */
export const endless: RequestListener = (_req, res) => {
  res.writeHead(200, { 'content-type': 'application/octet-stream' });
  const more = () => {
    while (!res.destroyed && res.write(piece));
  };
  res.on('drain', more);
  more();
};

/** Clients that take a sip of a body, and rest, and so on. */
export function startSlowReaders(t: Pick<Test, 'teardown'>, port: number, count: number) {
  const over = new AbortController();
  let mebibytes = 0;
  const reading = Array.from({ length: count }, async () => {
    const socket = net.connect(port, '127.0.0.1').on('error', () => {});
    await once(socket, 'connect');
    socket.write(get('/sick/'));
    while (!over.signal.aborted && !socket.destroyed) {
      mebibytes += ((socket.read() as Buffer | null)?.length ?? 0) / 1024 ** 2;
      await delay(20);
    }
    socket.destroy();
  });
  const stop = async () => {
    over.abort();
    await Promise.all(reading);
  };
  t.teardown(stop);
  return { mebibytes: () => mebibytes, stop };
}
