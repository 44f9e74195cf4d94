import t from 'tap';
import { until } from '../support/client.ts';
import { startBeside } from '../support/beside.ts';
import { residentMegabytes } from '../support/command.ts';
import { startMoody, type Mood } from '../support/moody-upstream.ts';

const skip = process.platform === 'linux' ? false : 'what a process has open is read from /proc';

/** What a client gets while the upstream is so: a status, or an answer that is cut. */
const faults: readonly (readonly [Mood, number | 'cut'])[] = [
  ['refuses', 502],
  ['says nothing', 504],
  ['resets before the head', 502],
  ['ends before the head', 502],
  ['ends short of its Content-Length', 'cut'],
  ['resets in the body', 'cut'],
  ['falls silent in the body', 'cut'],
  ['talks garbage', 502],
  ['has two Content-Lengths', 502],
];
const times = 100;

await t.test(
  'whatever ails an upstream, others are served, nothing piles up, and it ends with the fault',
  { skip },
  async (t) => {
    const upstream = await startMoody(t);
    const deadlines = 'connectTimeout: 2s, responseTimeout: 2s, idleTimeout: 2s';
    const proxy = await startBeside(t, upstream.url, { upstream: deadlines });
    const memory = residentMegabytes(proxy.child.pid);

    for (const [mood, expected] of faults)
      await t.test(`it ${mood}`, async (t) => {
        await upstream.becomes(mood);
        const { result, unserved, served, slowest } = await proxy.meanwhile(() =>
          Promise.all(Array.from({ length: times }, () => proxy.sick())),
        );
        const outcomes = new Set(result.map(({ status, cut }) => (status === 200 && cut ? 'cut' : status)));
        t.same([...outcomes], [expected], 'everybody gets to know');
        t.same(unserved, [], 'and all others are served');
        t.ok(served > 0 && slowest < 1500, `${served} of them, in ${slowest.toFixed(0)} ms at the most`);
        await upstream.becomes('well');
        t.match(await proxy.sick(), { status: 200, body: 'well' }, 'then it is over');
        await proxy.settled();
        await until(() => upstream.sockets.size === 0, 'no connection is left on its side');
      });

    t.equal(proxy.child.exitCode, null);
    const grown = residentMegabytes(proxy.child.pid) - memory;
    t.ok(grown < 60, `memory has grown by ${grown.toFixed(0)} MB`);
  },
);
