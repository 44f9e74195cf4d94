import t from 'tap';
import { day, hour, manualClock, minute } from '../support/clock.ts';
import { crowd, startRollouts } from '../support/rollout.ts';
import { memoryStore } from '../../src/store/memory-store.ts';

const users = crowd(300);

await t.test('a clock put back takes nobody back, in one run or over a restart', async (t) => {
  const clock = manualClock();
  const store = memoryStore(clock);
  const before = await startRollouts(t, { clock, store });
  await clock.pass(minute);
  const half = await before.onTreatment(users);
  clock.jump(-hour);
  t.same(await before.onTreatment(users), half, 'while it runs');
  await before.rollouts.close();
  const after = await startRollouts(t, { clock, store });
  t.equal(after.view().percent, 50);
  t.same(await after.onTreatment(users), half, 'after a restart');
  t.match(
    await after.rollouts.act('api', 'promote', ''),
    { ok: true, rollout: { percent: 100 } },
    'verbs do not wait',
  );
});

await t.test(
  'a raise that was agreed on is made by none before its moment, however times are rounded',
  async (t) => {
    const clock = manualClock(Date.UTC(2026, 0, 1) + 0.6);
    const shared = {
      every: 250,
      lead: 1000,
      mayReturn: 1000,
      count: async () => [],
      add: async () => new Map(),
    };
    const { view } = await startRollouts(t, { clock, store: { ...memoryStore(clock), shared } });
    await clock.pass(1000);
    t.match(view(), { status: 'in_progress', percent: 0, raise: { percent: 25, inMs: 1000 } });
    await clock.pass(999);
    t.equal(view().percent, 0);
    await clock.pass(2);
    t.equal(view().percent, 25);
  },
);

await t.test('a clock put forward ends a stage, and enters the next with all its time', async (t) => {
  const clock = manualClock();
  const { view } = await startRollouts(t, { clock });
  clock.jump(day);
  await clock.pass(minute);
  t.match(view(), { percent: 50, stage: 1, leftMs: minute });
});

await t.test(
  'after a time of being down, a stage without traffic is extended, not held at once',
  async (t) => {
    const clock = manualClock();
    const store = memoryStore(clock);
    const before = await startRollouts(t, { clock, store, wanted: 100 });
    await before.rollouts.close();
    clock.jump(day);
    const { rollouts, view } = await startRollouts(t, { clock, store, wanted: 100 });
    await clock.pass(0);
    t.match(view(), { status: 'in_progress', percent: 25, waitsFor: { requests: 0, of: 100 } });
    await clock.pass(minute - 1);
    t.equal(view().status, 'in_progress');
    for (let i = 0; i < 100; i += 1) rollouts.saw('api', '1', false);
    await clock.pass(0);
    t.equal(view().percent, 50);
  },
);
