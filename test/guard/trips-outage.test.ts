import t, { type Test } from 'tap';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/client.ts';
import { wayTo } from '../support/way.ts';
import { skipWithoutRedis, startRedis } from '../support/redis.ts';
import { found, startTripReplica, type RunningTrips } from '../support/trips.ts';

const options = { skip: skipWithoutRedis(), buffered: true };

// They wait for what is looked at now and then, each on a Redis of its own: together.
t.jobs = 4;

const key = 'test:trip:api';

/** Milliseconds between two moments that no doubt about Redis’ clock can exchange: half of what an answer may take. */
const clearly = 300;

/** Two replicas; the first can be cut off. Its clock is this wrong. */
async function apart(t: Test, wrong = 0) {
  const redis = await startRedis(t);
  const way = await wayTo(t, redis.port);
  const two = await startTripReplica(t, redis.url);
  const start = (flags = ['api']) => startTripReplica(t, way.url, { wrong, flags });
  return { redis, way, two, start };
}

const cutOff = async (way: { cut(): void }, one: RunningTrips) => {
  way.cut();
  await until(() => !one.state().healthy, 'cut off');
};
const well = (trips: RunningTrips) => until(() => trips.state().healthy, 'well again');

void t.test('a trip of one that was cut off does not come back after a clearing', options, async (t) => {
  const { way, two, start } = await apart(t, 3_600_000);
  const one = await start();
  await cutOff(way, one);
  const [seen, other] = [found(), found()];
  one.trip(seen);
  t.match(one.saved('api'), { saved: false, detail: /this proxy alone; Redis at .* cannot be reached/ });
  t.match(await one.clear('api', ''), { ok: false, why: 'away', detail: /bring it back: Redis at/ });
  t.equal(one.tripped('api'), seen);
  two.trip(other);
  await delay(clearly);
  t.same(await two.clear('api', 'a false alarm'), { ok: true });
  way.heal();
  await until(() => one.tripped('api') === undefined, 'cleared here, too');
  await delay(600);
  t.equal(two.tripped('api'), undefined);
  t.same(two.told, [`api ${other.id}`, 'api -']);
  t.same(one.told, [`api ${seen.id}`, 'api -']);
  t.equal(one.watchedFrom('api'), two.watchedFrom('api'));
  t.match(one.log.said(/was cleared/), [{ fields: { why: 'a false alarm' } }]);
});

void t.test('a trip of one that was cut off, after the clearing, counts for all', options, async (t) => {
  const { way, two, start } = await apart(t, -3_600_000);
  const one = await start();
  await cutOff(way, one);
  two.trip(found());
  t.same(await two.clear('api', ''), { ok: true });
  await delay(clearly);
  const seen = found();
  one.trip(seen);
  way.heal();
  await until(() => two.tripped('api')?.id === seen.id && one.saved('api').saved, 'everywhere');
  t.same(one.told, [`api ${seen.id}`]);
  t.same(await two.clear('api', ''), { ok: true });
  await until(() => one.tripped('api') === undefined, 'cleared');
});

void t.test('one that starts without Redis has nothing tripped, until it is told', options, async (t) => {
  const { way, two, start } = await apart(t, 3_600_000);
  const seen = found();
  two.trip(seen);
  await until(() => two.saved('api').saved, 'stored');
  way.cut();
  const one = await start();
  t.equal(one.tripped('api'), undefined);
  t.match(one.state(), { healthy: false, detail: /cannot be reached/ });
  t.match(await one.clear('api', ''), { ok: false, why: 'away' });
  way.heal();
  await until(() => one.tripped('api'), 'told');
  t.same(one.tripped('api'), seen);
  t.same(one.told, [`api ${seen.id}`]);
  t.equal(one.log.said(/trips stay as they are on this proxy: Redis at/).length, 1);
  t.equal(one.log.said(/can be used again/).length, 1);
});

void t.test('what one finds before it ever saw Redis is cleared by who came later', options, async (t) => {
  const { way, two, start } = await apart(t, 3_600_000);
  way.cut();
  const one = await start();
  one.trip(found());
  two.trip(found());
  await delay(clearly);
  t.same(await two.clear('api', ''), { ok: true });
  way.heal();
  await until(() => one.tripped('api') === undefined, 'by Redis’ clock it came before');
  t.equal(two.tripped('api'), undefined);
});

void t.test('a Redis that comes back empty is told by whoever knows', options, async (t) => {
  const { redis, two, start } = await apart(t);
  const one = await start();
  const seen = found();
  two.trip(seen);
  await until(() => one.tripped('api'), 'everywhere');
  const watchedFrom = one.watchedFrom('api');
  await redis.kill();
  await until(() => !one.state().healthy && !two.state().healthy, 'noticed');
  t.equal(one.tripped('api')?.id, seen.id, 'it stays in force');
  t.match(await one.clear('api', ''), { ok: false, why: 'away' });
  await redis.up();
  const client = redis.client();
  await until(async () => (await client.hget(key, 'state'))?.includes(seen.id), 'told');
  await Promise.all([one, two].map(well));
  t.same([one.told, two.told], [[`api ${seen.id}`], [`api ${seen.id}`]]);
  t.equal(one.watchedFrom('api'), watchedFrom);
  t.same(await one.clear('api', ''), { ok: true });
});

void t.test('a Redis restored from an old copy takes nothing back', options, async (t) => {
  const { redis, two, start } = await apart(t);
  const one = await start();
  const client = redis.client();
  const restore = async (copy: Record<string, string>) => {
    await client.hset(key, copy);
    const old = String(copy['stamp']);
    await until(async () => (await client.hget(key, 'stamp')) !== old, 'brought up to date');
  };
  one.trip(found());
  await until(() => two.tripped('api') && one.saved('api').saved, 'tripped');
  const before = await client.hgetall(key);
  t.same(await two.clear('api', ''), { ok: true });
  await until(() => one.tripped('api') === undefined, 'cleared');
  const clearedCopy = await client.hgetall(key);
  await restore(before);
  t.equal(one.tripped('api') ?? two.tripped('api'), undefined);
  const seen = found();
  one.trip(seen);
  await until(() => two.tripped('api'), 'tripped again');
  await restore(clearedCopy);
  t.same([one.tripped('api')?.id, two.tripped('api')?.id], [seen.id, seen.id]);
  t.equal(two.told.length, 3);
});

void t.test('a trip whose answer was lost does not undo the clearing after it', options, async (t) => {
  const { way, two, start } = await apart(t);
  const one = await start();
  const seen = found();
  way.holdAnswerTo(seen.id);
  one.trip(seen);
  await until(() => two.tripped('api'), 'stored');
  way.cut();
  t.same(await two.clear('api', ''), { ok: true });
  way.heal();
  await until(() => one.tripped('api') === undefined, 'cleared here, too');
  await delay(600);
  t.same(
    [one.told, two.told],
    [
      [`api ${seen.id}`, 'api -'],
      [`api ${seen.id}`, 'api -'],
    ],
  );
});

void t.test('a clearing whose answer was lost is found to be done', options, async (t) => {
  const { way, two, start } = await apart(t);
  const one = await start();
  one.trip(found());
  await until(() => two.tripped('api'), 'everywhere');
  way.holdAnswerTo('"verb":"clear"');
  const clearing = one.clear('api', '');
  await until(() => two.tripped('api') === undefined, 'done');
  way.cut();
  way.heal();
  t.same(await clearing, { ok: true });
  t.equal(one.told.length, 2);
});

void t.test('a trip found while the first record is being written is not lost', options, async (t) => {
  const { redis, way, start } = await apart(t);
  const client = redis.client();
  const [seen, release] = [found({ flag: 'late' }), way.holdAnswerTo('"flag":"late"')];
  const one = await start(['late']);
  await until(() => client.exists('test:trip:late'), 'the first record is there, and its answer is not');
  one.trip(seen);
  release();
  await until(() => one.saved('late').saved, 'stored');
  t.match(await client.hget('test:trip:late', 'state'), seen.id);
  t.same(one.told, [`late ${seen.id}`]);
});

void t.test('a stop does not wait for a Redis that hangs', options, async (t) => {
  const redis = await startRedis(t);
  const flags = Array.from({ length: 20 }, (_, i) => `flag-${i}`);
  const trips = await startTripReplica(t, redis.url, { flags });
  redis.stall();
  for (const flag of flags) trips.trip(found({ flag }));
  const asked = flags.map((flag) => trips.clear(flag, ''));
  const began = performance.now();
  await trips.close();
  t.ok(performance.now() - began < 4000, `${Math.round(performance.now() - began)} ms`);
  for (const end of await Promise.all(asked)) t.match(end, { ok: false, why: 'away' });
  t.equal(trips.tripped('flag-7')?.flag, 'flag-7');
});
