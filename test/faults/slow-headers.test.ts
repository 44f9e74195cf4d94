import t from 'tap';
import { until } from '../support/client.ts';
import { startBeside } from '../support/beside.ts';
import { startMoody } from '../support/moody-upstream.ts';

const skip = process.platform === 'linux' ? false : 'what a process has open is read from /proc';

await t.test(
  'headers that do not come: 504 at the deadline, and the upstream is let go',
  { skip },
  async (t) => {
    const upstream = await startMoody(t);
    await upstream.becomes('says nothing');
    const proxy = await startBeside(t, upstream.url, { upstream: 'responseTimeout: 1s' });
    const asking = proxy.meanwhile(() => Promise.all(Array.from({ length: 50 }, () => proxy.sick())));
    await until(() => upstream.sockets.size === 50, 'all are under way');
    const { result, unserved, slowest } = await asking;
    const wrong = result.filter(
      ({ status, cut, took }) => status !== 504 || cut || took < 950 || took > 3000,
    );
    t.same(wrong, [], 'each of them a 504, at its time');
    await until(() => upstream.sockets.size === 0, 'no connection is left to it', 1000);
    t.same(unserved, [], 'others are served meanwhile');
    t.ok(slowest < 900, `in ${slowest.toFixed(0)} ms at the most`);
  },
);
