import t from 'tap';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openStore } from '../../src/store/open-store.ts';
import { memoryStore } from '../../src/store/memory-store.ts';
import { rolloutKind } from '../../src/rollout/state.ts';
import { StoreError, type Store } from '../../src/store/store.ts';
import { inWords, type Regression } from '../../src/telemetry/regression.ts';
import { until } from '../support/client.ts';
import { manualClock, minute, second } from '../support/clock.ts';
import { aRegression } from '../support/regression.ts';
import { crowd, startRollouts } from '../support/rollout.ts';

const users = crowd(200);
const found = (action: Regression['action']): Regression => aRegression({ flag: 'api', action });

await t.test('a rollback by the guard is in force at once, with the evidence in the history', async (t) => {
  const { rollouts, view, onTreatment, clock } = await startRollouts(t);
  await clock.pass(10 * second);
  t.ok((await onTreatment(users)).size > 20);
  const regression = found('rollback');
  const tripped = rollouts.trip(regression);
  t.equal((await onTreatment(users)).size, 0, 'before anything is written');
  t.equal(rollouts.watchedFrom('api'), undefined, 'there is nothing left to compare');
  await tripped;
  t.match(view(), { status: 'reverted', percent: 0, verbs: ['start'] });
  t.match(view().regression, { id: regression.id, words: inWords(regression) });
  t.match(view().history.at(-1), { who: 'guard', verb: 'rollback', why: inWords(regression) });
});

await t.test('a person starts it again, and comparing begins there', async (t) => {
  const { rollouts, view, clock } = await startRollouts(t);
  const begun = rollouts.watchedFrom('api');
  await clock.pass(10 * second);
  t.equal(rollouts.watchedFrom('api'), begun, 'it began with the rollout');
  await rollouts.trip(found('rollback'));
  await clock.pass(minute);
  t.match(await rollouts.act('api', 'start', 'the bug is gone'), { ok: true });
  t.equal(view().regression, undefined);
  t.equal(rollouts.watchedFrom('api'), clock.now());
});

await t.test('a held rollout stays at its percentage, until a person says how it goes on', async (t) => {
  for (const goOn of ['resume', 'clear'] as const) {
    const { rollouts, view, clock } = await startRollouts(t);
    await clock.pass(20 * second);
    await rollouts.trip(found('pause'));
    t.match(view(), { status: 'regressed', percent: 25, regression: { action: 'pause' } });
    await clock.pass(10 * minute);
    t.match(view(), { status: 'regressed', percent: 25 });
    const acted = await (goOn === 'clear' ? rollouts.clear('api', '') : rollouts.act('api', 'resume', ''));
    t.match(acted, { ok: true }, goOn);
    t.match(view(), { status: 'in_progress', percent: 25, leftMs: 40 * second, regression: undefined });
    t.equal(rollouts.watchedFrom('api'), clock.now());
  }
});

await t.test('a rollout that a person had paused is held by the guard all the same', async (t) => {
  const { rollouts, view } = await startRollouts(t);
  await rollouts.act('api', 'pause', '');
  await rollouts.trip(found('pause'));
  t.match(view(), { status: 'regressed', percent: 25 });
});

await t.test('what is only noted changes nothing, and stays until it is cleared', async (t) => {
  const { rollouts, view, clock } = await startRollouts(t);
  t.match(await rollouts.clear('api', ''), { ok: false, why: 'refused' }, 'there is nothing to clear yet');
  await rollouts.trip(found('notify'));
  await clock.pass(minute);
  t.match(view(), { status: 'in_progress', percent: 50, regression: { action: 'notify' } });
  t.match(await rollouts.clear('api', 'seen'), { ok: true });
  t.match(view(), { status: 'in_progress', percent: 50, regression: undefined });
  t.match(view().history.at(-1), { who: 'person', verb: 'clear', why: 'seen' });
});

await t.test('where all stages are over there is nothing to hold, and it is noted', async (t) => {
  const { rollouts, view } = await startRollouts(t);
  await rollouts.act('api', 'promote', '');
  await rollouts.trip(found('pause'));
  t.match(view(), { status: 'completed', percent: 100, regression: { action: 'pause' } });
});

await t.test('a pause by a person clears nothing', async (t) => {
  const { rollouts, view } = await startRollouts(t);
  await rollouts.trip(found('notify'));
  await rollouts.act('api', 'pause', '');
  await rollouts.act('api', 'resume', '');
  t.match(view(), { status: 'in_progress', regression: { action: 'notify' } });
});

await t.test('a rollback by the guard outlives the proxy', async (t) => {
  const file = join(t.testdir(), 'state.json');
  const clock = manualClock();
  const open = () => openStore({ kept: 'file', file }, clock, [rolloutKind]);
  const before = await startRollouts(t, { clock, store: await open() });
  await before.rollouts.trip(found('rollback'));
  await before.rollouts.close();
  const { view, onTreatment } = await startRollouts(t, { clock, store: await open() });
  t.match(view(), { status: 'reverted', regression: { signal: 'errors' } });
  await clock.pass(10 * minute);
  t.equal((await onTreatment(users)).size, 0, 'nothing starts it by itself');
});

await t.test('a disk that is full keeps nobody on a worse version', async (t) => {
  const folder = join(t.testdir(), 'kept');
  mkdirSync(folder);
  const clock = manualClock();
  const store = await openStore({ kept: 'file', file: join(folder, 'state.json') }, clock, [rolloutKind]);
  const { rollouts, view, onTreatment } = await startRollouts(t, { clock, store });
  rmSync(folder, { recursive: true });
  await rollouts.trip(found('rollback'));
  t.equal((await onTreatment(users)).size, 0);
  t.match(view(), { status: 'reverted', regression: { action: 'rollback' }, state: { saved: false } });
  mkdirSync(folder);
  await clock.pass(2 * second);
  await until(() => view().state.saved, 'the rollback to be kept');
  t.equal(view().status, 'reverted');
  t.ok(existsSync(join(folder, 'state.json')));
});

await t.test('what cannot be noted now is no trip, so that it is tried again', async (t) => {
  const clock = manualClock();
  const memory = memoryStore(clock);
  let full = false;
  const store: Store = {
    ...memory,
    write: (...change) =>
      full ? Promise.reject(new StoreError('away', 'no space left')) : memory.write(...change),
  };
  const { rollouts, view } = await startRollouts(t, { clock, store });
  full = true;
  await t.rejects(rollouts.trip(found('notify')), /no space left/);
  t.equal(rollouts.tripped('api'), undefined);
  full = false;
  await rollouts.trip(found('notify'));
  t.match(rollouts.tripped('api'), { action: 'notify' });
  t.equal(view().history.length, 2);
});

await t.test('a state from before there was a guard is taken up as it is', async (t) => {
  const file = join(t.testdir(), 'state.json');
  const clock = manualClock();
  const open = () => openStore({ kept: 'file', file }, clock, [rolloutKind]);
  const before = await startRollouts(t, { clock, store: await open() });
  await before.rollouts.close();
  const old = readFileSync(file, 'utf8').replace(/\s*"(regression|watchedFrom)": [^,]*,/g, '');
  t.notMatch(old, 'watchedFrom');
  writeFileSync(file, old);
  const { rollouts, view } = await startRollouts(t, { clock, store: await open() });
  t.match(view(), { status: 'in_progress', percent: 25 });
  t.equal(rollouts.watchedFrom('api'), Date.UTC(2026, 0, 1), 'comparing began with the rollout');
});
