import t from 'tap';
import { startBeside } from '../support/beside.ts';
import { startHolding, ways } from '../support/leavers.ts';

const skip = process.platform === 'linux' ? false : 'what a process has open is read from /proc';
const crowd = 1000;

await t.test(
  'a thousand clients that leave at once: their upstream connections are gone within two seconds',
  { skip, timeout: 60_000 },
  async (t) => {
    const upstream = await startHolding(t);
    const settings = { upstream: `maxConnections: ${crowd}, connectTimeout: 20s` };
    const proxy = await startBeside(t, upstream.url, settings);
    for (const [way, leave] of Object.entries(ways))
      await t.test(`by a ${way}`, async (t) => {
        const clients = await upstream.gather(proxy.port, crowd);
        const { result, unserved } = await proxy.meanwhile(() => upstream.scatter(clients, leave));
        t.ok(result < 2000, `the last was gone after ${result.toFixed(0)} ms`);
        t.same(unserved, [], 'others are served meanwhile');
        await proxy.settled();
      });
    t.equal(proxy.child.exitCode, null);
  },
);
