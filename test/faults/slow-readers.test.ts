import type { ServerResponse } from 'node:http';
import net from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { startBeside } from '../support/beside.ts';
import { until } from '../support/client.ts';
import { residentMegabytes } from '../support/command.ts';
import { get } from '../support/dialogue.ts';
import { startUpstream } from '../support/upstream.ts';

const skip = process.platform === 'linux' ? false : 'resident memory is read from /proc';
const readers = 50;
const piece = Buffer.alloc(256 * 1024, 'raccoon ');

/** A body without an end, as fast as it is taken. */
function sendEndlessly(res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'application/octet-stream' });
  const more = () => {
    while (!res.destroyed && res.write(piece));
  };
  res.on('drain', more);
  more();
}

await t.test(`${readers} slow readers of huge bodies: memory stays flat`, { skip }, async (t) => {
  const upstream = await startUpstream(t, (_req, res) => sendEndlessly(res));
  const proxy = await startBeside(t, upstream.url, { upstream: 'idleTimeout: 60s' });
  const clients = Array.from({ length: readers }, () =>
    net.connect(proxy.port, '127.0.0.1').on('error', () => {}),
  );
  t.teardown(() => {
    for (const client of clients) client.destroy();
  });
  let over = false;
  let read = 0;
  const reading = clients.map(async (client) => {
    await once(client, 'connect');
    client.write(get('/sick/'));
    // A sip, and a rest.
    while (!over && !client.destroyed) {
      read += (client.read() as Buffer | null)?.length ?? 0;
      await delay(20);
    }
  });

  const { result, unserved } = await proxy.meanwhile(async () => {
    await until(() => read > readers * 1024 ** 2, 'all are in the midst of it', 20_000);
    const memory = [];
    for (let seconds = 0; seconds < 4; seconds += 1) {
      memory.push(residentMegabytes(proxy.child.pid));
      await delay(1000);
    }
    return { from: Math.max(...memory.slice(0, 2)), to: residentMegabytes(proxy.child.pid) };
  });
  const { from, to } = result;
  t.comment(`${(read / 1024 ** 2).toFixed(0)} MiB read; ${from.toFixed(0)} MB, then ${to.toFixed(0)} MB`);
  t.ok(to - from < 15, `from ${from.toFixed(0)} to ${to.toFixed(0)} MB`);
  t.ok(to < 220, 'and little');
  t.same(unserved, [], 'others are served meanwhile');

  over = true;
  await Promise.all(reading);
  for (const client of clients) client.destroy();
  await proxy.settled();
});
