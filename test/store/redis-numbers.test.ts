import t, { type Test } from 'tap';
import { systemClock } from '../../src/clock.ts';
import { redisStore } from '../../src/store/redis-store.ts';
import { until } from '../support/client.ts';
import { skipWithoutRedis, startRedis } from '../support/redis.ts';

const options = { skip: skipWithoutRedis() };
const key = 'test:ticks:api';

/** Two proxies' ways to add to the same series. */
async function adding(t: Test) {
  const redis = await startRedis(t);
  const open = () => {
    const store = redisStore({ url: new URL(redis.url), prefix: 'test' }, systemClock);
    t.teardown(() => store.close());
    return async (tick: number, numbers: number[], from = tick, to = tick, keptFor = 60_000) =>
      store.shared?.add({ series: 'api', tick, numbers, keptFor }, from, to);
  };
  return { client: redis.client(), one: open(), two: open() };
}

await t.test('numbers add up over proxies, tick by tick', options, async (t) => {
  const { one, two } = await adding(t);
  t.same(await one(7, [1, 2, 3]), new Map([[7, [1, 2, 3]]]));
  t.same(await two(7, [10, 20, 30]), new Map([[7, [11, 22, 33]]]));
  const both = new Map([
    [7, [11, 22, 33]],
    [9, [5, 5, 5]],
  ]);
  t.same(await two(9, [5, 5, 5], 6, 9), both, 'a tick that nobody told of is missing');
  t.same(await one(8, [0, 0, 1], 8, 8), new Map([[8, [0, 0, 1]]]), 'and only what is asked for comes');
  t.same(await one(10, [1], 20, 30), new Map());
});

await t.test('numbers added at once are all counted', options, async (t) => {
  const { one, two } = await adding(t);
  await Promise.all(Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? one : two)(1, [1, i])));
  t.same(await one(1, [0, 0]), new Map([[1, [100, 4950]]]));
});

await t.test(
  'numbers may be negative, broken, very small and as large as a number is',
  options,
  async (t) => {
    const { one, two } = await adding(t);
    const numbers = [-5, 0.1, 1e-9, Number.MAX_SAFE_INTEGER - 1, 1e300, 123_456_789_012_345];
    t.same((await one(1, numbers))?.get(1), numbers, 'to the last digit');
    const more = [3, 0.2, 1e-9, 1, 1e300, 1];
    t.same(
      (await two(1, more))?.get(1),
      numbers.map((number, i) => number + (more[i] ?? 0)),
    );
    // Seconds since 1970, and further than Lua counts with digits alone.
    for (const tick of [1_800_000_000, 1_800_000_000_000, -3])
      t.same((await one(tick, [1]))?.get(tick), [1], `${tick}`);
  },
);

await t.test('fewer or more numbers than before are added where they stand', options, async (t) => {
  const { one, two } = await adding(t);
  await one(1, [1, 2]);
  t.same(await two(1, [1, 1, 1]), new Map([[1, [2, 3, 1]]]));
  t.same(await two(1, [1]), new Map([[1, [3, 3, 1]]]));
});

await t.test('a series is forgotten when nobody has added to it for a while', options, async (t) => {
  const { client, one, two } = await adding(t);
  await one(1, [1], 1, 1, 60_000);
  const left = await client.pttl(key);
  t.ok(left > 50_000 && left <= 60_000, `${left} ms`);
  await two(2, [1], 1, 2, 300);
  t.ok((await client.pttl(key)) <= 300, 'from the last addition on');
  await until(async () => (await client.exists(key)) === 0, 'forgotten');
  t.same(await one(3, [1], 1, 3), new Map([[3, [1]]]));
});

await t.test('what is there and no number is refused, and left as it is', options, async (t) => {
  const { client, one } = await adding(t);
  const refused = {
    name: 'StoreError',
    kind: 'refused',
    message: /test:ticks:api in Redis at .* is not the state/,
  };
  for (const garbage of ['garbage', '1,x,3', 'nan,inf', '', ',', '1,,3', '\0']) {
    await client.del(key);
    await client.hset(key, '1', garbage);
    const before = await client.hgetall(key);
    await t.rejects(one(1, [1, 1, 1]), refused, `added to ${JSON.stringify(garbage)}`);
    t.same(await client.hgetall(key), before);
    await t.rejects(one(2, [1, 1, 1], 1, 2), refused, `read ${JSON.stringify(garbage)}`);
  }
  await client.del(key);
  await client.set(key, 'a text');
  await t.rejects(one(1, [1]), refused, 'a key of another type');
  t.equal(await client.get(key), 'a text');
});
