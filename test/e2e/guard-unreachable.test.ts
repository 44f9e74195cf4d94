import t, { type Test } from 'tap';
import { setTimeout as delay } from 'node:timers/promises';
import { bucketOf } from '../../src/flags/bucket.ts';
import { askAdmin } from '../support/admin-answer.ts';
import { request, until } from '../support/client.ts';
import { fine, shownBy } from '../support/guarded.ts';
import { rolledOut, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

t.jobs = 4;

const bucket = (user: string) => bucketOf('facts.a-salt', user);

/** Somebody on each version, at 25 %. */
const asker = { v0: userIn(0, 0.75), v1: userIn(0.75, 1) };

function userIn(from: number, to: number): string {
  const users = Array.from({ length: 100 }, (_, i) => `user-${i}`);
  return users.find((user) => bucket(user) >= from && bucket(user) < to) ?? '';
}

/** A proxy, and somebody on each version, who ask one at a time. */
async function started(t: Test, v0: string, v1: string, guard = 'onRegression: rollback') {
  const proxy = await startProxy(t, rolledOut(v0, v1, { guard, more: 'salt: a-salt' }));
  const shown = shownBy(proxy);
  await shown.watching();
  const ask = async (uid: string) => {
    const { status, headers } = await request(proxy.port, '/fact/', { headers: { cookie: `uid=${uid}` } });
    return `v${String(headers['x-api-version'])} ${status}`;
  };
  return { proxy, ...shown, ask: (version: 'v0' | 'v1') => ask(asker[version]) };
}

/** Nobody listens there, nor is it handed out to tests that run beside. */
const refused = 'http://127.0.0.1:1';
const upstream = async (t: Test) => (await startUpstream(t, fine)).url;

void t.test('a v1 that refuses connections is out after five requests, without statistics', async (t) => {
  const { ask, rollout, guard, proxy } = await started(t, await upstream(t), refused);
  for (let i = 1; i <= 4; i += 1) t.equal(await ask('v1'), 'v1 502', `refusal ${i}`);
  t.equal(await ask('v0'), 'v0 200');
  t.equal(await ask('v1'), 'v1 502', 'refusal 5');
  t.equal(await ask('v1'), 'v0 200', 'and the next one');
  const { trip } = await guard();
  t.match(trip, { signal: 'connect', evidence: null, code: 'connect_refused', treatment: { events: 5 } });
  t.match(trip?.words, /^v1 could not be reached 5 times in a row \(connect_refused\), while v0 answered$/);
  t.match(await rollout(), { status: 'reverted', history: [{}, { who: 'guard', why: trip?.words }] });
  for (const id of trip?.requestIds ?? []) t.match(await proxy.accessLine(id), { version: '1', status: 502 });

  await askAdmin(proxy.adminPort, 'POST', '/api/rollouts/facts/start');
  await until(async () => {
    await ask('v0');
    return (await guard()).seen.control.units > 0;
  }, 'begun anew');
  t.equal(await ask('v1'), 'v1 502', 'after a new start those before do not count');
  for (let i = 2; i <= 5; i += 1) t.same([await ask('v0'), await ask('v1')], ['v0 200', 'v1 502']);
  t.equal(await ask('v1'), 'v0 200');
});

void t.test('where both go down at once, nobody is taken anywhere, whoever asks first', async (t) => {
  const both = [await startUpstream(t, fine), await startUpstream(t, fine)] as const;
  const { ask, guard } = await started(t, both[0].url, both[1].url);
  t.same([await ask('v1'), await ask('v0')], ['v1 200', 'v0 200']);
  for (const { server } of both) {
    server.close();
    server.closeAllConnections();
  }
  for (let i = 0; i < 8; i += 1) t.equal(await ask('v1'), 'v1 502');
  t.equal(await ask('v0'), 'v0 502');
  t.equal((await guard()).trip, undefined);
});

void t.test('where v0 refuses as well, nobody is taken anywhere', async (t) => {
  const { ask, guard } = await started(t, refused, refused);
  for (let i = 0; i < 15; i += 1) {
    t.equal(await ask('v0'), 'v0 502');
    t.equal(await ask('v1'), 'v1 502');
  }
  await delay(2200);
  t.equal((await guard()).trip, undefined);
  t.equal(await ask('v1'), 'v1 502');
});

void t.test('with `connectFailures: off`, refusals are failures like others', async (t) => {
  const guardKeys = 'onRegression: rollback, connectFailures: off';
  const { ask, guard } = await started(t, await upstream(t), refused, guardKeys);
  for (let i = 0; i < 30; i += 1) t.equal(await ask('v1'), 'v1 502');
  await delay(2200);
  t.match(await guard(), { trip: undefined, seen: { treatment: { failed: 1 } } }, 'it was one user alone');
});
