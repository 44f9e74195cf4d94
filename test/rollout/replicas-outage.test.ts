import t, { type Test } from 'tap';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../src/clock.ts';
import { until } from '../support/client.ts';
import { skipWithoutRedis, startRedis } from '../support/redis.ts';
import { config, crowd, startReplica, type Running } from '../support/rollout.ts';

const options = { skip: skipWithoutRedis(), buffered: true };
const users = crowd(200);
const slow = config({ stages: [{ percent: 25, for: '1h' }] });
const quick = config({
  stages: [
    { percent: 25, for: '800ms' },
    { percent: 50, for: '800ms' },
  ],
});

type Replica = Running<Clock>;

async function running(t: Test, rollout: typeof slow, count = 3) {
  const redis = await startRedis(t);
  const replicas: Replica[] = [];
  for (let i = 0; i < count; i += 1) replicas.push(await startReplica(t, redis.url, rollout));
  await until(() => replicas.every(({ view }) => view().percent === 25), '25 % everywhere');
  return { redis, replicas };
}

// They wait for what is agreed on seconds ahead, each on a Redis of its own: together.
t.jobs = 4;

const everywhere = (replicas: Replica[], what: (replica: Replica) => unknown, name: string) =>
  until(() => replicas.every(what), name, 10_000);

void t.test(
  'Redis dies in the midst and comes back empty: nobody flips, no stage is lost',
  options,
  async (t) => {
    const { redis, replicas } = await running(t, quick);
    const before = await replicas[0]?.onTreatment(users);
    const salt = replicas[0]?.view().salt;
    await redis.kill();
    await everywhere(replicas, ({ view }) => !view().state.healthy, 'noticed');
    // Longer than the stage: without Redis nobody can agree on the next.
    await delay(1000);
    for (const replica of replicas) {
      t.same(await replica.onTreatment(users), before, 'the last known share is served');
      t.match(replica.view(), { status: 'in_progress', percent: 25 });
      t.equal(replica.log.said(/held where they are: Redis at .* cannot be reached/).length, 1, 'said once');
    }
    await redis.up();
    await everywhere(replicas, ({ view }) => view().status === 'completed', 'and on to everyone');
    for (const { view } of replicas) {
      t.equal(view().salt, salt, 'never with a fresh salt');
      t.same(
        view().history.map(({ verb, percent }) => [verb, percent]),
        [
          ['start', 25],
          ['advance', 50],
          ['complete', 100],
        ],
      );
    }
  },
);

void t.test(
  'a rollback is made while Redis is away, and told to the others when it is back',
  options,
  async (t) => {
    const { redis, replicas } = await running(t, slow);
    const [one, ...others] = replicas;
    await redis.kill();
    const done = await one?.rollouts.act('api', 'rollback', 'it burns');
    t.match(done, {
      ok: true,
      rollout: { status: 'reverted', percent: 0, state: { saved: false, detail: /on this proxy/ } },
    });
    t.equal((await one?.onTreatment(users))?.size, 0);
    t.match(
      await one?.rollouts.act('api', 'start', ''),
      { ok: false, why: 'away' },
      'other verbs are not taken',
    );
    t.match(await others[0]?.rollouts.act('api', 'pause', ''), {
      ok: false,
      why: 'away',
      detail: /cannot be changed now/,
    });
    t.equal(others[0]?.view().percent, 25);
    await redis.up();
    await everywhere(replicas, ({ view }) => view().status === 'reverted', 'reverted everywhere');
    t.match(others[0]?.view().history.at(-1), { who: 'person', verb: 'rollback', why: 'it burns' });
    t.ok(one?.view().state.saved);
  },
);

void t.test('without Redis at the start control is served, until the state is there', options, async (t) => {
  const { redis, replicas } = await running(t, slow, 1);
  const [old] = replicas;
  const chosen = await old?.onTreatment(users);
  await redis.kill();
  const late = await startReplica(t, redis.url, slow);
  t.match(late.view(), { status: 'unknown', percent: 0, verbs: [] });
  t.equal((await late.onTreatment(users)).size, 0);
  t.match(await late.rollouts.act('api', 'start', ''), { ok: false, why: 'away' });
  // It must not begin anew in the empty Redis, before whoever knows the state has brought it back.
  await redis.up();
  await until(() => late.view().percent === 25, 'the state', 10_000);
  t.same(await late.onTreatment(users), chosen);
  t.equal(late.view().salt, old?.view().salt);
});

void t.test('a Redis restored from an old copy is brought up to date', options, async (t) => {
  const { redis, replicas } = await running(t, slow, 2);
  const client = redis.client();
  const key = 'test:rollout:api';
  const old = await client.hgetall(key);
  await replicas[0]?.rollouts.act('api', 'promote', '');
  await everywhere(replicas, ({ view }) => view().percent === 100, 'everyone');
  await client.del(key);
  await client.hset(key, old);
  await until(async () => (await client.hget(key, 'state'))?.includes('completed'), 'rewritten');
  t.equal(replicas[1]?.view().percent, 100);
});

void t.test('what is wrong with one rollout holds no other', options, async (t) => {
  const redis = await startRedis(t);
  const both = { api: slow, bad: slow };
  const one = await startReplica(t, redis.url, slow, { rollouts: both });
  await until(() => one.view().percent === 25, '25 %');
  const client = redis.client();
  await client.hset('test:rollout:bad', { stamp: '9.00000000', state: 'garbage' });
  await until(() => !one.rollouts.state().healthy, 'seen');
  const other = startReplica(t, redis.url, slow, { rollouts: both });
  await t.rejects(other, { name: 'UserError', message: /rollout:bad in Redis at .* is not the state/ });
  t.match(await one.rollouts.act('bad', 'pause', ''), { ok: false, why: 'away', detail: /is not the state/ });
  t.match(await one.rollouts.act('api', 'pause', ''), { ok: true });
  t.match(await one.rollouts.act('api', 'rollback', ''), { ok: true, rollout: { state: { saved: true } } });
  t.match(await client.hget('test:rollout:api', 'state'), /"status":"reverted"/);
  t.equal(await client.hget('test:rollout:bad', 'state'), 'garbage');
  t.equal(one.view('bad').percent, 25, 'what was in force stays');
});

void t.test('a rollback whose answer was lost does not undo what came after it', options, async (t) => {
  const { redis, replicas } = await running(t, slow, 2);
  const [cut, other] = replicas;
  redis.stall();
  const asked = cut?.rollouts.act('api', 'rollback', 'cut off');
  await until(() => cut?.view().status === 'reverted', 'in force here');
  redis.resume();
  t.match(await asked, { ok: true });
  await everywhere(replicas, ({ view }) => view().status === 'reverted', 'everywhere');
  await until(async () => (await other?.rollouts.act('api', 'start', 'mended'))?.ok, 'started anew', 10_000);
  await everywhere(replicas, ({ view }) => view().percent === 25, 'and it stays');
  await delay(1000);
  t.equal(other?.view().status, 'in_progress');
  t.equal(other?.view().history.filter(({ verb }) => verb === 'rollback').length, 1);
});

void t.test('a stop does not wait for the rollbacks that wait for Redis', options, async (t) => {
  const redis = await startRedis(t);
  const { rollouts, view } = await startReplica(t, redis.url, slow);
  await until(() => view().percent === 25, '25 %');
  redis.stall();
  const asked = Array.from({ length: 50 }, () => rollouts.act('api', 'rollback', ''));
  const began = performance.now();
  await rollouts.close();
  t.ok(performance.now() - began < 3000, `${Math.round(performance.now() - began)} ms`);
  await Promise.all(asked);
});

void t.test('two that began apart agree on the older of the two', options, async (t) => {
  const redis = await startRedis(t);
  const one = await startReplica(t, redis.url, slow);
  const client = redis.client();
  await client.del('test:rollout:api');
  const two = await startReplica(t, redis.url, slow);
  await until(() => one.view().percent === 25 && two.view().salt === one.view().salt, 'one salt');
  t.equal(two.view().history.length, 1);
});

void t.test('a rollout that a flag file here cannot serve takes nothing down', options, async (t) => {
  const redis = await startRedis(t);
  const file = join(
    t.testdir({
      'flags.yaml': 'flags: { api: { on: true, variations: [0, 1], fallthrough: { variation: 0 } } }',
    }),
    'flags.yaml',
  );
  const one = await startReplica(t, redis.url, slow, {
    file,
    rollouts: { api: config({ start: 'manual' }), other: slow },
  });
  const next = config({ from: 1, to: 2, stages: [{ percent: 25, for: '1h' }] });
  const other = await startReplica(t, redis.url, next);
  await until(() => other.view().percent === 25, 'the next rollout');
  await until(() => !one.rollouts.state().healthy, 'seen');
  t.match(one.rollouts.state().detail, /flags\.api\.variations: lack 2/);
  t.equal((await one.onTreatment(users)).size, 0, 'what was served is served');
  t.match(await one.rollouts.act('other', 'pause', ''), { ok: true }, 'and other rollouts go on');
  t.equal(one.log.said(/held where they are: .*lack 2/).length, 1);
  await t.rejects(startReplica(t, redis.url, next, { file }), { name: 'UserError', message: /lack 2/ });
});
