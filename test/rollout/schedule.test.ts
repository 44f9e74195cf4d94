import t from 'tap';
import { day, hour, minute, second } from '../support/clock.ts';
import { config, crowd, startRollouts } from '../support/rollout.ts';

await t.test('stages follow one another by the clock, to everyone', async (t) => {
  const { clock, view } = await startRollouts(t);
  t.match(view(), { status: 'in_progress', percent: 25, stage: 0, leftMs: minute });
  await clock.pass(minute - 1);
  t.match(view(), { percent: 25, stage: 0, elapsedMs: minute - 1, leftMs: 1 });
  await clock.pass(1);
  t.match(view(), { percent: 50, stage: 1, leftMs: minute });
  await clock.pass(minute);
  t.match(view(), { status: 'completed', percent: 100, stage: undefined, leftMs: undefined });
  t.same(
    view().history.map(({ who, verb, percent }) => [who, verb, percent]),
    [
      ['configuration', 'start', 25],
      ['schedule', 'advance', 50],
      ['schedule', 'complete', 100],
    ],
  );
});

await t.test(
  'twenty thousand users move at most once, from v0 to v1, and each stage has its share',
  async (t) => {
    const stages = [1, 10, 25, 50, 75].map((percent) => ({ percent, for: '3d' }));
    const { clock, rollouts, view, onTreatment } = await startRollouts(t, {
      rollouts: { api: config({ stages }) },
    });
    const users = crowd(20_000);
    let before = new Set<string>();
    for (const expected of [1, 10, 25, 50, 75, 100]) {
      t.equal(view().percent, expected);
      const on = await onTreatment(users);
      const share = (100 * on.size) / users.length;
      t.ok(Math.abs(share - expected) <= 1, `${share} % at ${expected} %`);
      t.ok(
        [...before].every((user) => on.has(user)),
        'nobody went back',
      );
      before = on;
      await clock.pass(3 * day);
    }
    t.equal(before.size, users.length);
    await rollouts.act('api', 'rollback', '');
    t.equal(
      (await onTreatment(users)).size,
      0,
      'after a rollback the very next request of everyone is on v0',
    );
  },
);

await t.test('a pause stops the clock of its stage, and resume lets it go on', async (t) => {
  const { clock, rollouts, view } = await startRollouts(t);
  await clock.pass(20 * second);
  await rollouts.act('api', 'pause', 'lunch');
  await clock.pass(day);
  t.match(view(), { status: 'paused', percent: 25, elapsedMs: 20 * second, leftMs: undefined });
  await rollouts.act('api', 'resume', '');
  await clock.pass(40 * second - 1);
  t.equal(view().percent, 25);
  await clock.pass(1);
  t.equal(view().percent, 50);
  t.match(view().history.slice(1, 3), [
    { who: 'person', verb: 'pause', from: 'in_progress', to: 'paused', why: 'lunch' },
    { who: 'person', verb: 'resume' },
  ]);
});

await t.test('promote brings everyone now, but for a holdback', async (t) => {
  const { rollouts, view, onTreatment } = await startRollouts(t, {
    rollouts: { api: config({ holdback: 10 }) },
  });
  const done = await rollouts.act('api', 'promote', 'it is fine');
  t.match(done, { ok: true, rollout: { status: 'completed', percent: 90 } });
  t.equal(view().percent, 90);
  const { size } = await onTreatment(crowd(1000));
  t.ok(size > 870 && size < 930, `${size} of 1000`);
});

await t.test('start: manual waits for a person', async (t) => {
  const { clock, rollouts, view, onTreatment } = await startRollouts(t, {
    rollouts: { api: config({ start: 'manual' }) },
  });
  await clock.pass(day);
  t.match(view(), { status: 'not_started', percent: 0, verbs: ['start'] });
  t.equal((await onTreatment(crowd(100))).size, 0);
  await rollouts.act('api', 'start', '');
  await clock.pass(minute);
  t.equal(view().percent, 50);
});

await t.test('after a rollback it can start again, with the same users first', async (t) => {
  const { rollouts, onTreatment } = await startRollouts(t);
  const first = await onTreatment(crowd(500));
  await rollouts.act('api', 'rollback', '');
  await rollouts.act('api', 'start', 'mended');
  t.same(await onTreatment(crowd(500)), first);
});

await t.test('rollouts go side by side', async (t) => {
  const slow = config({ stages: [{ percent: 5, for: '1h' }] });
  const { clock, rollouts, view, onTreatment } = await startRollouts(t, {
    rollouts: { api: config(), slow },
  });
  await clock.pass(minute);
  await rollouts.act('api', 'rollback', '');
  t.match([view('api').percent, view('slow').percent], [0, 5]);
  await clock.pass(hour);
  t.match([view('api').percent, view('slow').percent], [0, 100]);
  t.match([(await onTreatment(['x'])).size, (await onTreatment(['x'], 'slow')).size], [0, 1]);
});

await t.test('a verb that its status refuses says so, and what is open', async (t) => {
  const { rollouts, view } = await startRollouts(t);
  const { revision } = view();
  t.match(await rollouts.act('api', 'start', ''), {
    ok: false,
    why: 'refused',
    detail: 'api is in_progress, which refuses start; open now: pause, rollback, promote',
  });
  t.match(await rollouts.act('apo', 'start', ''), {
    ok: false,
    why: 'unknown',
    detail: /apo; there are: api/,
  });
  t.equal(view().revision, revision);
});
