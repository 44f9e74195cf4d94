import t from 'tap';
import { ask, type Ended } from '../support/beside.ts';
import { until } from '../support/client.ts';
import { askAdmin } from '../support/admin-answer.ts';
import { shownBy } from '../support/guarded.ts';
import { rolledOut, startProxy } from '../support/proxy.ts';
import { skipWithoutRedis, startRedis } from '../support/redis.ts';
import { startUpstream } from '../support/upstream.ts';

const options = { skip: skipWithoutRedis(), buffered: true };
const users = Array.from({ length: 40 }, (_, n) => `user-${n}`);

t.jobs = 2;

// Nobody waits for Redis: not a request, which is decided from memory, and a person only so long.
for (const away of ['kill', 'stall'] as const)
  void t.test(
    `Redis ${away === 'kill' ? 'is away' : 'hangs'}: requests go on as before, verbs are answered in time, and it is made up for`,
    options,
    async (t) => {
      const redis = await startRedis(t);
      const v0 = await startUpstream(t, (_req, res) => res.end('v0'));
      const v1 = await startUpstream(t, (_req, res) => res.end('v1'));
      const state = { stage: '1h', state: redis.url };
      const proxy = await startProxy(t, rolledOut(v0.url, v1.url, state));
      const { rollout } = shownBy(proxy);
      await until(async () => (await rollout()).percent === 25, '25 %');
      const serve = async () => {
        const answers: Ended[] = [];
        for (const uid of users)
          answers.push(await ask(proxy.port, '/fact/', { headers: { cookie: `uid=${uid}` } }));
        return answers;
      };
      const versions = async () => (await serve()).map(({ status, body }) => `${status} ${body}`);
      const before = await versions();
      t.same(new Set(before), new Set(['200 v0', '200 v1']), 'both versions have users');

      await redis[away]();
      let rounds = 0;
      const took: number[] = [];
      await until(
        async () => {
          const answers = await serve();
          t.same(
            answers.map(({ status, body }) => `${status} ${body}`),
            before,
            'everybody is where they were',
          );
          took.push(...answers.map((answer) => answer.took));
          rounds += 1;
          return rounds >= 3 && !(await rollout()).state.healthy;
        },
        'it is noticed',
        30_000,
      );
      const usual = took.toSorted((a, b) => a - b)[Math.floor(took.length / 2)] ?? Infinity;
      t.ok(usual < 200, `in ${usual.toFixed(0)} ms: none waits for Redis' deadline`);

      const asked = performance.now();
      const pause = await askAdmin(proxy.adminPort, 'POST', '/api/rollouts/facts/pause', '{}');
      t.equal(pause.status, 503, 'what nobody could agree to is refused');
      const rollback = await askAdmin(proxy.adminPort, 'POST', '/api/rollouts/facts/rollback', '{}');
      t.match(rollback, { status: 200, json: { status: 'reverted', state: { saved: false } } });
      const waited = performance.now() - asked;
      t.ok(waited < 3000, `both are answered after ${waited.toFixed(0)} ms`);
      t.same(new Set(await versions()), new Set(['200 v0']), 'a rollback is in force at once');

      await (away === 'kill' ? redis.up() : redis.resume());
      const client = redis.client();
      await until(
        async () => (await client.hget('trenchcoat:rollout:facts', 'state'))?.includes('"reverted"'),
        'Redis is told',
        10_000,
      );
      await until(async () => (await rollout()).state.healthy, 'and all is well');
      t.same(new Set(await versions()), new Set(['200 v0']));
    },
  );
