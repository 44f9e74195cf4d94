import t from 'tap';
import http from 'node:http';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { peakMegabytes, startRun } from '../support/command.ts';
import { evenFlags, flagged } from '../support/proxy.ts';

const size = 1024 ** 3;
const chunk = Buffer.alloc(256 * 1024, 'raccoon ');
const skip = process.platform === 'linux' ? false : 'resident memory is read from /proc';

function* gigabyte(): Generator<Buffer> {
  for (let sent = 0; sent < size; sent += chunk.length) yield chunk;
}

/** Reads at its leisure: nothing for a second, then with a rest after every 16 MiB. */
async function readSlowly(stream: http.IncomingMessage): Promise<number> {
  let bytes = 0;
  let untilRest = 0;
  await delay(1000);
  for await (const part of stream) {
    bytes += (part as Buffer).length;
    untilRest += (part as Buffer).length;
    if (untilRest > 16 * 1024 ** 2) {
      untilRest = 0;
      await delay(10);
    }
  }
  return bytes;
}

await t.test(
  'a gigabyte each way, with a slow reader, in little memory',
  { skip, timeout: 120_000 },
  async (t) => {
    let uploaded = 0;
    const upstream = http.createServer((req, res) => {
      if (req.method === 'GET') return void pipeline(Readable.from(gigabyte()), res).catch(() => {});
      return void readSlowly(req).then((bytes) => {
        uploaded = bytes;
        res.end();
      });
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    t.teardown(() => upstream.close());
    const { port } = upstream.address() as { port: number };
    const url = `http://127.0.0.1:${port}`;

    for (const direction of ['download', 'upload'] as const) {
      await t.test(direction, async (t) => {
        const folder = t.testdir({ 'flags.yaml': evenFlags });
        const config = join(folder, 'trenchcoat.yaml');
        writeFileSync(config, `listen: 127.0.0.1:0\nadmin: off\n${flagged(url, url)}`);
        const proxy = await startRun(t, config);
        const req = http.request({
          host: '127.0.0.1',
          port: proxy.port,
          path: '/fact/',
          method: direction === 'upload' ? 'PUT' : 'GET',
          agent: false,
        });
        const answered = once(req, 'response') as Promise<[http.IncomingMessage]>;
        if (direction === 'upload') await pipeline(Readable.from(gigabyte()), req);
        else req.end();
        const [res] = await answered;
        t.equal(res.statusCode, 200);
        const downloaded = direction === 'upload' ? res.resume() && 0 : await readSlowly(res);
        t.equal(direction === 'upload' ? uploaded : downloaded, size, 'every byte');
        const peak = peakMegabytes(proxy.child.pid);
        t.ok(peak < 200, `peak resident memory ${peak.toFixed(0)} MB`);
        t.comment(`${direction}: peak ${peak.toFixed(0)} MB`);
      });
    }
  },
);
