import t from 'tap';
import { startBeside } from '../support/beside.ts';
import { until } from '../support/client.ts';
import { residentMegabytes } from '../support/command.ts';
import { endless, startSlowReaders } from '../support/slow-readers.ts';
import { startUpstream } from '../support/upstream.ts';

const skip = process.platform === 'linux' ? false : 'resident memory is read from /proc';
const readers = 50;

await t.test(
  `${readers} slow readers of huge bodies: memory stays flat`,
  { skip, timeout: 90_000 },
  async (t) => {
    const upstream = await startUpstream(t, endless);
    const proxy = await startBeside(t, upstream.url);
    const clients = startSlowReaders(t, proxy.port, readers);
    const { result, unserved } = await proxy.meanwhile(async () => {
      await until(() => clients.mebibytes() > 200, 'all are in the midst of it', 60_000);
      const memory: number[] = [];
      await until(
        () => {
          memory.push(residentMegabytes(proxy.child.pid));
          return clients.mebibytes() > 800;
        },
        'much more is read',
        60_000,
      );
      const third = Math.ceil(memory.length / 3);
      return { from: Math.max(...memory.slice(0, third)), to: Math.min(...memory.slice(-third)) };
    });
    // What is yet to be collected comes and goes; what is held would stay.
    const { from, to } = result;
    t.ok(to - from < 20, `from ${from.toFixed(0)} to ${to.toFixed(0)} MB`);
    t.ok(to < 250, 'and little');
    t.same(unserved, [], 'others are served meanwhile');
    await clients.stop();
    await proxy.settled();
  },
);
