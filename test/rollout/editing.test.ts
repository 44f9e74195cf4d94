import t from 'tap';
import type { RolloutConfig } from '../../src/config/rollout-schema.ts';
import { memoryStore } from '../../src/store/memory-store.ts';
import type { PersonVerb } from '../../src/rollout/transitions.ts';
import { manualClock, minute, second } from '../support/clock.ts';
import { config, crowd, startRollouts } from '../support/rollout.ts';

const stages = (...list: [number, string][]) =>
  config({ stages: list.map(([percent, time]) => ({ percent, for: time })) });

/** Runs the first configuration for a while, by verbs too, then a restart with the second. */
async function edited(
  t: Parameters<typeof startRollouts>[0],
  first: RolloutConfig,
  then: RolloutConfig,
  { pass = 0, verbs = [] as PersonVerb[] } = {},
) {
  const clock = manualClock();
  const store = memoryStore(clock);
  const before = await startRollouts(t, { rollouts: { api: first }, clock, store });
  await clock.pass(pass);
  for (const verb of verbs) await before.rollouts.act('api', verb, '');
  const served = await before.onTreatment(crowd(400));
  await before.rollouts.close();
  const after = await startRollouts(t, { rollouts: { api: then }, clock, store });
  return { ...after, before: served };
}

await t.test('new stages take over at the percentage reached', async (t) => {
  const { clock, view, before, onTreatment, log } = await edited(
    t,
    stages([25, '1m'], [50, '1m']),
    stages([10, '1m'], [40, '1m'], [60, '1m']),
    { pass: 20 * second },
  );
  t.match(view(), { percent: 25, stage: 0, elapsedMs: 20 * second });
  t.same(await onTreatment(crowd(400)), before);
  t.match(view().history.at(-1), { who: 'configuration', verb: 'edit' });
  t.equal(log.said(/a rollout has changed/).length, 1, 'and it is said');
  await clock.pass(40 * second);
  t.match(view(), { percent: 40, stage: 1 });
});

await t.test('never lower: where the new stages begin above, the first of them is entered', async (t) => {
  const { clock, view } = await edited(t, stages([25, '1m']), stages([50, '1m'], [75, '1m']), {
    pass: 20 * second,
  });
  t.match(view(), { percent: 50, stage: 0, leftMs: minute });
  await clock.pass(minute);
  t.equal(view().percent, 75);
});

await t.test('a pause stays a pause, and the new stages count when it is resumed', async (t) => {
  const { clock, rollouts, view } = await edited(t, stages([25, '1m']), stages([50, '1m'], [75, '1m']), {
    verbs: ['pause'],
  });
  t.match(view(), { status: 'paused', percent: 25, stage: 0 });
  await rollouts.act('api', 'resume', '');
  t.match(view(), { status: 'in_progress', percent: 50, leftMs: minute });
  await clock.pass(minute);
  t.equal(view().percent, 75);
});

await t.test('what is done stays done, but a smaller holdback lets more in', async (t) => {
  const more = (
    await edited(t, config({ holdback: 10 }), config({ holdback: 5 }), { pass: 2 * minute })
  ).view();
  t.match(more, { status: 'completed', percent: 95 });
  const less = (
    await edited(t, config({ holdback: 5 }), config({ holdback: 10 }), { pass: 2 * minute })
  ).view();
  t.match(less, { status: 'completed', percent: 95 });
  const back = (await edited(t, config(), stages([5, '1h']), { verbs: ['rollback'] })).view();
  t.match(back, { status: 'reverted', percent: 0, stages: [{ percent: 5 }] });
});

await t.test('the same configuration changes nothing', async (t) => {
  const { view, log } = await edited(t, config(), config(), { pass: 10 * second });
  t.match(view(), { revision: 1, elapsedMs: 10 * second });
  t.equal(log.said(/a rollout has changed/).length, 0);
});

await t.test('another pair of versions is another rollout, which begins when the last is over', async (t) => {
  const next = config({ from: 1, to: 2 });
  const { view } = await edited(t, config(), next, { pass: 2 * minute });
  t.match(view(), { status: 'in_progress', from: '1', to: '2', percent: 25, revision: 4 });
  t.equal(view().history.length, 4, 'and the history goes on');
  await t.rejects(edited(t, config(), next), {
    name: 'UserError',
    message:
      /rollouts\.api\.from: found 1, but it began with 0, and the rollout is in_progress at 25 %; with the configuration as it was, roll it back/,
  });
});

await t.test('a holdback that comes too late takes nobody back', async (t) => {
  const late = config({ stages: [{ percent: 80, for: '1m' }], holdback: 20 });
  const { clock, view } = await edited(t, stages([95, '1m']), late, { pass: 10 * second });
  await clock.pass(minute);
  t.match(view(), { status: 'completed', percent: 95 });
});

await t.test('a completed rollout is not edited into taking users back', async (t) => {
  const over = { verbs: ['promote'] as PersonVerb[] };
  await t.rejects(edited(t, config(), config({ to: 2 }), over), {
    name: 'UserError',
    message: /rollouts\.api\.to: found 2, but it began with 1, and the rollout is completed at 100 %/,
  });
  const done = await edited(t, config(), config({ contextKind: 'org' }), over);
  t.match(done.view(), { status: 'completed', percent: 100, contextKind: 'org' });
  t.same(await done.onTreatment(crowd(400)), done.before);
  await t.rejects(edited(t, config({ holdback: 5 }), config({ contextKind: 'org', holdback: 5 }), over), {
    message: /rollouts\.api\.contextKind: found org/,
  });
});

await t.test('a salt is not changed under those who were chosen by it', async (t) => {
  await t.rejects(edited(t, config(), config({ salt: 'other' })), {
    name: 'UserError',
    message: /rollouts\.api\.salt: .*at random/,
  });
  const { view } = await edited(t, config(), config({ salt: 'other' }), { verbs: ['rollback'] });
  t.equal(view().salt, 'other');
  const done = await edited(t, config({ salt: 'one' }), config({ salt: 'two' }), { verbs: ['promote'] });
  t.equal(done.view().salt, 'two');
});
