import t, { type Test } from 'tap';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { begin } from '../../src/rollout/configure.ts';
import { systemClock } from '../../src/clock.ts';
import { redisStore } from '../../src/store/redis-store.ts';
import { rolloutKind } from '../../src/rollout/state.ts';
import { stampOf } from '../../src/store/store.ts';
import type { Store } from '../../src/store/store.ts';
import { apply } from '../../src/rollout/transitions.ts';
import { until } from '../support/client.ts';
import { run, startRun } from '../support/command.ts';
import { skipWithoutRedis, startRedis } from '../support/redis.ts';
import { config, startRollouts } from '../support/rollout.ts';
import { selfSigned } from '../support/self-signed.ts';

const options = { skip: skipWithoutRedis() };
const state = (flag = 'api') =>
  begin(flag, config(), 'salt', { now: Date.now(), lead: 0, who: 'person', why: '', nonce: '00000000' });

async function open(t: Test, url: string, prefix = 'trenchcoat') {
  const store = redisStore({ url: new URL(url), prefix }, systemClock);
  t.teardown(() => store.close());
  return store;
}

const nothing = new Map([['api', '']]);
const answers = (store: Store) =>
  store.read(rolloutKind, nothing).then(
    () => true,
    () => false,
  );

await t.test('a password is sent, and a wrong one said without telling it', options, async (t) => {
  const redis = await startRedis(t, { password: 'hunter2' });
  const store = await open(t, `redis://:hunter2@127.0.0.1:${redis.port}/3`);
  t.equal(await store.write(rolloutKind, state(), ''), true);
  t.equal(await redis.client().exists('trenchcoat:rollout:api'), 0, 'in the database of the address');

  for (const [credentials, reply] of [
    [':wrong@', 'WRONGPASS invalid username-password pair'],
    ['', 'NOAUTH Authentication required'],
  ] as const) {
    const refused = await open(t, `redis://${credentials}127.0.0.1:${redis.port}/3`);
    const error = await refused.read(rolloutKind, nothing).then(String, (error: unknown) => error as Error);
    t.match(error, { name: 'StoreError', kind: 'refused' });
    t.match(
      String(error),
      `Redis at 127.0.0.1:${redis.port} cannot be used as state: it refuses the user or the password: ${reply}`,
    );
    t.notMatch(String(error), /wrong\b|hunter2/);
    await t.rejects(startRollouts(t, { store: refused }), { name: 'UserError', message: /refuses the user/ });
  }
});

await t.test('several services share a Redis by their prefixes', options, async (t) => {
  const redis = await startRedis(t);
  const [one, two] = [await open(t, redis.url, 'one'), await open(t, redis.url, 'two')];
  await one.write(rolloutKind, state(), '');
  t.same(await two.read(rolloutKind, nothing), new Map([['api', null]]));
  t.same(await redis.client().keys('*'), ['one:rollout:api']);
});

await t.test('what is not ours under a key is refused, and left as it is', options, async (t) => {
  const redis = await startRedis(t);
  const client = redis.client();
  const store = await open(t, redis.url);
  const key = 'trenchcoat:rollout:api';
  const foreign: [string, () => Promise<unknown>][] = [
    ['a string', () => client.set(key, 'hello')],
    ['a hash of another', () => client.hset(key, { name: 'x' })],
    ['no JSON', () => client.hset(key, { stamp: '1.00000000', state: '{"flag":' })],
    ['no state', () => client.hset(key, { stamp: '1.00000000' })],
    [
      'the state of another flag',
      () => client.hset(key, { stamp: '1.00000000', state: JSON.stringify(state('other')) }),
    ],
  ];
  for (const [what, put] of foreign) {
    await client.del(key);
    await put();
    const before = await client.dump(key);
    const refused = {
      name: 'StoreError',
      kind: 'refused',
      message: /rollout:api in Redis at .* is not the state/,
    };
    t.match((await store.read(rolloutKind, nothing)).get('api'), refused, what);
    t.not(await store.write(rolloutKind, state(), '').catch(() => 'refused'), true, what);
    await t.rejects(startRollouts(t, { store: await open(t, redis.url) }), { name: 'UserError' }, what);
    t.equal(await client.dump(key), before, what);
  }
});

await t.test(
  'a Redis that hangs is not waited for long, and is well again when it answers',
  options,
  async (t) => {
    const redis = await startRedis(t);
    const store = await open(t, redis.url);
    await store.write(rolloutKind, state(), '');
    redis.stall();
    const asked = performance.now();
    await t.rejects(store.read(rolloutKind, nothing), {
      name: 'StoreError',
      kind: 'away',
      message: /cannot be reached/,
    });
    const waited = performance.now() - asked;
    t.ok(waited > 300 && waited < 900, `${waited} ms`);
    redis.resume();
    await until(() => answers(store), 'an answer');
    t.ok((await store.read(rolloutKind, nothing)).get('api'));
  },
);

await t.test(
  'a Redis that is not there is no reason to wait, or to fail, at the start',
  options,
  async (t) => {
    const redis = await startRedis(t);
    await redis.kill();
    const begun = performance.now();
    const store = await open(t, redis.url);
    await t.rejects(store.read(rolloutKind, nothing), {
      name: 'StoreError',
      kind: 'away',
      message: /cannot be reached: connect ECONNREFUSED/,
    });
    t.ok(performance.now() - begun < 500, 'at once');
    await redis.up();
    await until(() => answers(store), 'found when it comes');
  },
);

await t.test(
  'requests add up over proxies, stage by stage, however often they are told',
  options,
  async (t) => {
    const redis = await startRedis(t);
    const [one, two] = [await open(t, redis.url), await open(t, redis.url)];
    const first = state();
    const told = (store: typeof one, requests: number, of = first) =>
      store.shared?.count([{ flag: of.flag, stage: of.stageRevision, requests }]);
    t.same(await told(one, 5), [0], 'nothing is counted for what is not there');
    await one.write(rolloutKind, first, '');
    t.same(await told(one, 5), [5]);
    t.same(await told(two, 7), [12]);
    t.same(await told(two, 7), [12], 'as after an answer that was lost');
    t.same(await told(one, 9), [16]);
    const next = apply(first, 'advance', { now: 0, lead: 0, who: 'schedule', why: '', nonce: '00000001' });
    t.ok(next && (await one.write(rolloutKind, next, stampOf(first))));
    t.same(await told(two, 1, next), [1]);
    const fields = await redis.client().hkeys('trenchcoat:rollout:api');
    t.equal(
      fields.filter((field) => field.startsWith('requests:')).length,
      1,
      'what is past is cleared away',
    );
  },
);

await t.test('a write that comes to Redis too late is not done', options, async (t) => {
  const redis = await startRedis(t);
  const store = await open(t, redis.url);
  await store.read(rolloutKind, nothing);
  redis.stall();
  await t.rejects(store.write(rolloutKind, state(), ''), { name: 'StoreError', kind: 'away' });
  await delay(100);
  redis.resume();
  await until(() => answers(store), 'an answer');
  t.same(
    await store.read(rolloutKind, nothing),
    new Map([['api', null]]),
    'nobody is told one thing and served another',
  );
});

const noRedis = ['*4294967296\r\n', '*1\r\n'.repeat(50_000), '$-7\r\n', '\0\u00ff\r\n', ':1\r\n'.repeat(9)];

await t.test('bytes that no Redis would send end a connection, not the process', options, async (t) => {
  for (const bytes of noRedis) {
    const server = net.createServer((socket) => socket.on('error', () => {}).write(bytes, 'latin1'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const store = await open(t, `redis://127.0.0.1:${port}`);
    for (const time of ['first', 'second'])
      await t.rejects(
        store.read(rolloutKind, nothing),
        { name: 'StoreError' },
        `${time} ${JSON.stringify(bytes.slice(0, 20))}`,
      );
    await store.close();
    server.close();
  }
});

await t.test('time is Redis’ own, whatever ours says', options, async (t) => {
  const redis = await startRedis(t);
  for (const wrong of [-2000, 0, 2000]) {
    const clock = { ...systemClock, now: () => systemClock.now() + wrong };
    const store = redisStore({ url: new URL(redis.url), prefix: 'x' }, clock);
    t.teardown(() => store.close());
    await store.read(rolloutKind, nothing);
    const apart = Math.abs(store.now() - Date.now());
    t.ok(apart < 50, `${apart} ms apart with a clock ${wrong} ms wrong`);
  }
});

await t.test('over TLS, an authority has to vouch for it', options, async (t) => {
  const redis = await startRedis(t, { password: 'hunter2', tls: selfSigned });
  const folder = t.testdir({
    'ca.pem': selfSigned.cert,
    'trenchcoat.yaml': `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
upstreams: { v0: { url: "http://127.0.0.1:9" }, v1: { url: "http://127.0.0.1:9" } }
routes: [{ name: all, flag: api, versions: { 0: v0, 1: v1 }, default: 0 }]
rollouts: { api: { from: 0, to: 1, stages: [{ percent: 25, for: 1m }] } }
state: rediss://:hunter2@127.0.0.1:${redis.port}
`,
  });
  t.match(await run(t, ['run'], { cwd: folder }), {
    code: 1,
    stdout: '',
    stderr:
      /^trenchcoat: Redis at [^\n]* cannot be used as state: it is not trusted: [^\n]*NODE_EXTRA_CA_CERTS\n$/,
  });
  const env = { NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') };
  const { output } = await startRun(t, join(folder, 'trenchcoat.yaml'), { env });
  await until(() => redis.client().exists('trenchcoat:rollout:api'), 'the state');
  t.notMatch(output.stdout, /hunter2/);
});
