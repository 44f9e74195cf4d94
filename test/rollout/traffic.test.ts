import t from 'tap';
import { day, minute, second } from '../support/clock.ts';
import { startRollouts, type Running } from '../support/rollout.ts';

const see = ({ rollouts }: Running, requests: number, version = '1', failed = false) => {
  for (let i = 0; i < requests; i += 1) rollouts.saw('api', version, failed);
};

await t.test('a stage with enough traffic ends in time', async (t) => {
  const running = await startRollouts(t, { wanted: 100 });
  see(running, 100);
  await running.clock.pass(minute);
  t.equal(running.view().percent, 50);
  see(running, 99);
  see(running, 1000, '0');
  await running.clock.pass(minute);
  t.equal(running.view().percent, 50, 'control and the stage before do not count');
});

await t.test(
  'a stage without is extended, and passed as soon as the last request it wants is there',
  async (t) => {
    const running = await startRollouts(t, { wanted: 100 });
    const { clock, view } = running;
    see(running, 99);
    await clock.pass(minute);
    t.match(view(), { status: 'in_progress', percent: 25, leftMs: 0, waitsFor: { requests: 99, of: 100 } });
    t.match(view().history.at(-1), {
      who: 'schedule',
      verb: 'extend',
      why: 'its time is over, with 99 of 100 requests on treatment',
    });
    await clock.pass(30 * second);
    t.equal(view().percent, 25);
    see(running, 1);
    await clock.pass(0);
    t.match(view(), { percent: 50, stage: 1, leftMs: minute, waitsFor: undefined });
  },
);

await t.test('at twice its time it is held for a person, never passed blind', async (t) => {
  const running = await startRollouts(t, { wanted: 100 });
  const { clock, rollouts, view } = running;
  see(running, 12);
  await clock.pass(2 * minute);
  t.match(view(), { status: 'paused', percent: 25, verbs: ['resume', 'rollback', 'promote'] });
  t.match(view().history.at(-1), { who: 'schedule', verb: 'hold', why: /12 of 100/ });
  see(running, 1000);
  await clock.pass(day);
  t.equal(view().status, 'paused', 'traffic alone does not release it');
  await rollouts.act('api', 'resume', 'we have seen enough');
  t.match(view(), { status: 'in_progress', leftMs: minute }, 'its time is given once more');
  await clock.pass(minute);
  t.equal(view().percent, 50);
});

await t.test('timed alone, a stage asks for nothing', async (t) => {
  const { clock, view } = await startRollouts(t, { wanted: 0 });
  await clock.pass(2 * minute);
  t.equal(view().status, 'completed');
});

await t.test('what was seen is shown for the stage, by version', async (t) => {
  const running = await startRollouts(t);
  see(running, 75, '0');
  see(running, 2, '0', true);
  see(running, 24);
  see(running, 1, '1', true);
  see(running, 5, 'another');
  t.same(running.view().seen, {
    control: { version: '0', requests: 77, errors: 2 },
    treatment: { version: '1', requests: 25, errors: 1 },
  });
  await running.clock.pass(minute);
  t.match(running.view().seen, { control: { requests: 0, errors: 0 }, treatment: { requests: 0 } });
});
