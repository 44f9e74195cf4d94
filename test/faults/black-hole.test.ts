import t from 'tap';
import { until } from '../support/client.ts';
import { startBeside } from '../support/beside.ts';
import { skipWithoutBlackHole, startBlackHole } from '../support/black-hole.ts';

const connections = 20;

// A host that is gone, or a firewall that drops: each attempt lasts until its deadline and holds a place in the pool.
await t.test(
  'an upstream that swallows connections: 504 at the deadline, and neither pool nor others starve',
  { skip: skipWithoutBlackHole },
  async (t) => {
    const hole = await startBlackHole(t);
    const upstream = `connectTimeout: 1s, responseTimeout: 10s, maxConnections: ${connections}, queue: 10`;
    const proxy = await startBeside(t, hole.url, { upstream });
    const asks = (count: number) =>
      proxy.meanwhile(() => Promise.all(Array.from({ length: count }, () => proxy.sick())));

    for (let wave = 1; wave <= 3; wave += 1) {
      const { result, unserved, served, slowest } = await asks(connections);
      t.ok(
        result.every(({ status, cut }) => status === 504 && !cut),
        `wave ${wave}: 504 for all, the places of those before are free again`,
      );
      const [first, last] = [
        Math.min(...result.map(({ took }) => took)),
        Math.max(...result.map(({ took }) => took)),
      ];
      t.ok(first >= 950 && last < 3000, `after ${first.toFixed(0)} to ${last.toFixed(0)} ms`);
      t.same(unserved, [], 'others are served');
      t.ok(served > 10 && slowest < 800, `${served} of them, in ${slowest.toFixed(0)} ms at the most`);
    }

    const { result, unserved } = await asks(connections + 20);
    const statuses = result.map(({ status }) => status);
    t.equal(
      statuses.filter((status) => status === 503).length,
      10,
      'who finds the queue full is told at once',
    );
    t.equal(
      statuses.filter((status) => status === 504).length,
      connections + 10,
      'who waits in it, in the end',
    );
    t.ok(Math.max(...result.map(({ took }) => took)) < 4500, 'a place in the queue is no second life');
    t.same(unserved, []);

    hole.heal();
    // A connection that the system had to begin anew may yet be too late.
    await until(async () => (await proxy.sick()).body === 'well', 'it comes back, and is served from');
    await proxy.settled();
  },
);
