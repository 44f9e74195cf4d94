import t from 'tap';
import { until } from '../support/client.ts';
import { skipWithoutRedis, startRedis } from '../support/redis.ts';
import { config, crowd, startReplica } from '../support/rollout.ts';

const options = { skip: skipWithoutRedis() };
const quick = config({
  stages: [
    { percent: 25, for: '1200ms' },
    { percent: 50, for: '1200ms' },
  ],
});
const slow = config({ stages: [{ percent: 25, for: '1h' }] });

await t.test(
  'three proxies with clocks two seconds apart make each step at one moment',
  options,
  async (t) => {
    const redis = await startRedis(t);
    const replicas = await Promise.all(
      [-2000, 0, 2000].map((wrong) => startReplica(t, redis.url, quick, { wrong })),
    );
    const users = crowd(60);
    const reached = replicas.map(() => new Map<number, number>());
    const highest = new Map<string, number>();
    let back = 0;
    await until(
      async () => {
        for (const [i, replica] of replicas.entries()) {
          const on = await replica.onTreatment(users);
          const { percent } = replica.view();
          if (!reached[i]?.has(percent)) reached[i]?.set(percent, performance.now());
          for (const user of users) {
            const version = on.has(user) ? 1 : 0;
            if (version < (highest.get(user) ?? 0)) back += 1;
            highest.set(user, version);
          }
        }
        return reached.every((times) => times.has(100));
      },
      'everyone at 100 %',
      15_000,
    );
    for (const percent of [25, 50, 100]) {
      const times = reached.map((each) => each.get(percent) ?? Infinity);
      const apart = Math.max(...times) - Math.min(...times);
      t.ok(apart < 1000, `${percent} % within ${Math.round(apart)} ms`);
      t.ok(apart < 200, `and that with some room: it was agreed on before`);
    }
    t.equal(back, 0, 'nobody who asked one after the other was sent back');
    const [first, ...others] = replicas.map(({ view }) => view());
    for (const other of others) t.match(other, { salt: first?.salt, revision: first?.revision });
    t.same(
      first?.history.map(({ verb }) => verb),
      ['start', 'advance', 'complete'],
      'each step was made once',
    );
  },
);

await t.test('a rollback through one is everywhere within a second', options, async (t) => {
  const redis = await startRedis(t);
  const replicas = await Promise.all([1, 2, 3].map(() => startReplica(t, redis.url, slow)));
  const on = async () =>
    (await Promise.all(replicas.map((one) => one.onTreatment(crowd(100))))).map(({ size }) => size);
  await until(async () => (await on()).every((size) => size > 0), '25 % everywhere');
  const began = performance.now();
  const done = await replicas[1]?.rollouts.act('api', 'rollback', 'it is worse');
  t.match(done, { ok: true, rollout: { status: 'reverted', state: { saved: true } } });
  t.equal((await on())[1], 0, 'here at once');
  await until(async () => (await on()).every((size) => size === 0), 'everywhere');
  t.ok(performance.now() - began < 1000, `after ${Math.round(performance.now() - began)} ms`);
  t.match(replicas[0]?.view().history.at(-1), { who: 'person', verb: 'rollback', why: 'it is worse' });
});

await t.test(
  'verbs through different proxies at the same moment: one wins, the others are told',
  options,
  async (t) => {
    const redis = await startRedis(t);
    const replicas = await Promise.all([1, 2, 3].map(() => startReplica(t, redis.url, slow)));
    await until(() => replicas.every((one) => one.view().percent === 25), '25 % everywhere');
    const acted = await Promise.all(replicas.map((one) => one.rollouts.act('api', 'pause', '')));
    t.equal(acted.filter(({ ok }) => ok).length, 1);
    for (const one of acted) if (!one.ok) t.match(one, { why: 'refused' });
    await until(() => replicas.every((one) => one.view().status === 'paused'), 'paused everywhere');
    t.equal(replicas[0]?.view().history.filter(({ verb }) => verb === 'pause').length, 1);
  },
);

await t.test('a stage waits for the traffic of all proxies together', options, async (t) => {
  const redis = await startRedis(t);
  const short = config({ stages: [{ percent: 25, for: '300ms' }] });
  const replicas = await Promise.all([1, 2].map(() => startReplica(t, redis.url, short, { wanted: 100 })));
  const [one, two] = replicas;
  await until(() => one?.view().waitsFor !== undefined || one?.view().status === 'paused', 'out of time');
  await until(() => two?.view().status === 'paused', 'held');
  await two?.rollouts.act('api', 'resume', '');
  for (const { rollouts } of replicas) for (let i = 0; i < 50; i += 1) rollouts.saw('api', '1', false);
  await until(() => replicas.every(({ view }) => view().status === 'completed'), 'fifty each are a hundred');
});
