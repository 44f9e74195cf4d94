import t, { type Test } from 'tap';
import { tripKind } from '../../src/guard/trip.ts';
import { until } from '../support/client.ts';
import { skipWithoutRedis, startRedis } from '../support/redis.ts';
import { found, startTripReplica, type RunningTrips } from '../support/trips.ts';

const options = { skip: skipWithoutRedis(), buffered: true };

// They wait for what is looked at now and then, each on a Redis of its own: together.
t.jobs = 4;

const key = 'test:trip:api';

async function running(t: Test, clocks: number[] = [0, 0]) {
  const redis = await startRedis(t);
  const replicas: RunningTrips[] = [];
  for (const wrong of clocks) replicas.push(await startTripReplica(t, redis.url, { wrong }));
  const client = redis.client();
  const record = async () => tripKind.schema.parse(JSON.parse((await client.hget(key, 'state')) ?? '{}'));
  return { redis, client, replicas, record };
}

const one = (replicas: RunningTrips[]) => replicas[0] as RunningTrips;
const everywhere = (replicas: RunningTrips[], what: (trips: RunningTrips) => unknown, name: string) =>
  until(() => replicas.every(what), name);

void t.test('replicas agree on when comparing began, whatever their clocks say', options, async (t) => {
  const { redis, client, replicas, record } = await running(t, [-3_600_000, 0, 3_600_000]);
  t.equal(await client.exists(key), 0, 'who knows more has time to say so');
  await until(() => client.exists(key), 'a record');
  const { watchedFrom, revision } = await record();
  t.equal(revision, 1);
  await everywhere(replicas, (trips) => trips.watchedFrom('api') === watchedFrom, 'one beginning');
  t.ok(Math.abs(watchedFrom - Date.now()) < 5000, 'of Redis’ clock');
  const late = await startTripReplica(t, redis.url);
  t.equal(late.watchedFrom('api'), watchedFrom, 'for who comes later, too');
});

void t.test('a trip is everybody’s within a second, and so is its clearing', options, async (t) => {
  const { replicas, record } = await running(t, [0, -3_600_000, 0]);
  const [first, second, third] = replicas as [RunningTrips, RunningTrips, RunningTrips];
  await until(() => record().catch(() => false), 'a record');
  const seen = found();
  const before = performance.now();
  first.trip(seen);
  t.equal(first.tripped('api'), seen);
  await everywhere(replicas, (trips) => trips.tripped('api')?.id === seen.id, 'everywhere');
  t.ok(performance.now() - before < 1000, `${performance.now() - before} ms`);
  t.same(second.tripped('api'), seen, 'with all that was found');
  t.equal(first.log.said(/taken up/).length, 0);
  t.equal(second.log.said(/a trip is taken up/).length, 1);

  t.same(await third.clear('api', 'mended'), { ok: true });
  t.equal(third.tripped('api'), undefined);
  await everywhere(replicas, (trips) => trips.tripped('api') === undefined, 'cleared everywhere');
  const { watchedFrom } = await record();
  t.ok(watchedFrom > Date.now() - 5000);
  for (const trips of replicas) {
    t.same(trips.told, [`api ${seen.id}`, 'api -']);
    t.equal(trips.watchedFrom('api'), watchedFrom);
    t.match(trips.log.said(/was cleared/), [{ fields: { who: 'person', why: 'mended' } }]);
  }
});

void t.test('of trips found at once the first that is stored counts', options, async (t) => {
  const { replicas, record } = await running(t, [0, 0, 0]);
  const seen = replicas.map(() => found());
  for (const [i, trips] of replicas.entries()) trips.trip(seen[i] ?? found());
  const kept = await until(async () => (await record()).trip, 'stored');
  await everywhere(replicas, (trips) => trips.tripped('api')?.id === kept.id, 'one trip');
  await everywhere(replicas, (trips) => trips.saved('api').saved, 'saved');
  t.match(await record(), { revision: 2, history: [{ verb: 'begin' }, { verb: 'trip' }] });
  for (const [i, trips] of replicas.entries()) {
    const own = `api ${seen[i]?.id}`;
    t.same(trips.told, own === `api ${kept.id}` ? [own] : [own, `api ${kept.id}`]);
  }
});

void t.test('of clearings at once one is made', options, async (t) => {
  const { replicas, record } = await running(t, [0, 0, 0]);
  one(replicas).trip(found());
  await everywhere(replicas, (trips) => trips.tripped('api') && trips.saved('api').saved, 'tripped');
  const ends = await Promise.all(replicas.map((trips) => trips.clear('api', '')));
  t.equal(ends.filter(({ ok }) => ok).length, 1);
  for (const end of ends) if (!end.ok) t.match(end, { why: 'refused' });
  t.equal((await record()).revision, 3);
  await everywhere(replicas, (trips) => trips.told.length === 2, 'told');
});

void t.test('a trip in the first moment outlives a proxy that stops in the next', options, async (t) => {
  const { redis, replicas } = await running(t, [0]);
  const seen = found();
  one(replicas).trip(seen);
  await one(replicas).close();
  const next = await startTripReplica(t, redis.url);
  t.same(next.tripped('api'), seen);
  t.same(next.told, [`api ${seen.id}`]);
});

void t.test('what is no record of ours is said once, and left as it is', options, async (t) => {
  const { redis, client, replicas } = await running(t);
  const [first, second] = replicas as [RunningTrips, RunningTrips];
  for (const put of [
    () => client.hset(key, { stamp: '9.00000000', state: 'garbage' }),
    () => client.set(key, 'a text'),
  ]) {
    await put();
    const before = await client.dump(key);
    await everywhere(replicas, (trips) => !trips.state().healthy, 'seen');
    const seen = found();
    first.trip(seen);
    t.ok(first.tripped('api'));
    t.equal(second.tripped('api'), undefined);
    t.match(first.saved('api'), { saved: false, detail: /trip:api in Redis at .* is not the state/ });
    t.match(await first.clear('api', ''), { ok: false, why: 'away', detail: /is not the state/ });
    t.match(await second.clear('api', ''), { ok: false, why: 'away' });
    t.equal(await client.dump(key), before);
    await t.rejects(startTripReplica(t, redis.url), { name: 'UserError', message: /is not the state/ });
  }
  t.equal(first.log.said(/trips stay as they are/).length, 1);
  await client.del(key);
  await everywhere(replicas, (trips) => trips.tripped('api') && trips.state().healthy, 'well again');
  t.equal(first.log.said(/can be used again/).length, 1);
});
