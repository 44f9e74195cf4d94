import t from 'tap';
import { statuses, type RolloutState, type Status } from '../../src/rollout/state.ts';
import { begin } from '../../src/rollout/configure.ts';
import { percentAt } from '../../src/rollout/schedule.ts';
import { apply, openVerbs, transitions, type Verb } from '../../src/rollout/transitions.ts';
import { config } from '../support/rollout.ts';

const at = (now: number) => ({ now, lead: 0, who: 'person' as const, why: 'a test', nonce: '00000000' });
const state = (status: Status): RolloutState => {
  const running = begin('api', config(), 'salt', at(1000));
  const percent = { not_started: 0, reverted: 0, completed: 100 }[status as string] ?? 25;
  const stopped = status === 'in_progress' ? {} : { since: null, elapsed: 7000 };
  return { ...running, ...stopped, status, percent, previous: percent };
};

/** What every verb does in every status: the status after it, and treatment's share. What is missing is refused. */
const table: Record<Verb, Partial<Record<Status, [Status, number]>>> = {
  start: { not_started: ['in_progress', 25], reverted: ['in_progress', 25] },
  pause: { in_progress: ['paused', 25] },
  resume: { paused: ['in_progress', 25], regressed: ['in_progress', 25] },
  rollback: {
    in_progress: ['reverted', 0],
    paused: ['reverted', 0],
    regressed: ['reverted', 0],
    completed: ['reverted', 0],
  },
  promote: { in_progress: ['completed', 100], paused: ['completed', 100], regressed: ['completed', 100] },
  advance: { in_progress: ['in_progress', 50] },
  complete: { in_progress: ['completed', 100] },
  extend: { in_progress: ['in_progress', 25] },
  hold: { in_progress: ['paused', 25] },
  regress: { in_progress: ['regressed', 25], paused: ['regressed', 25] },
  note: {
    in_progress: ['in_progress', 25],
    paused: ['paused', 25],
    regressed: ['regressed', 25],
    completed: ['completed', 100],
  },
  clear: {
    in_progress: ['in_progress', 25],
    paused: ['paused', 25],
    regressed: ['in_progress', 25],
    completed: ['completed', 100],
    reverted: ['reverted', 0],
  },
};

for (const verb of Object.keys(transitions) as Verb[])
  await t.test(`${verb}, in every status`, async (t) => {
    for (const status of statuses) {
      const before = state(status);
      const after = apply(before, verb, at(5000));
      const expected = table[verb][status];
      if (expected === undefined) {
        t.equal(after, undefined, `${status} refuses it`);
        continue;
      }
      const [next, percent] = expected;
      t.match(after, { status: next, revision: before.revision + 1, percent }, status);
      t.same(after?.history.at(-1), {
        at: 5000,
        who: 'person',
        verb,
        from: status,
        to: next,
        percent,
        why: 'a test',
      });
      t.equal(
        after?.since !== null,
        next === 'in_progress',
        'a clock runs while it is in progress, and only then',
      );
    }
  });

await t.test('the verbs open to a person are those the table has', async (t) => {
  t.same(openVerbs('not_started'), ['start']);
  t.same(openVerbs('in_progress'), ['pause', 'rollback', 'promote']);
  t.same(openVerbs('paused'), ['resume', 'rollback', 'promote']);
  t.same(openVerbs('regressed'), ['resume', 'rollback', 'promote']);
  t.same(openVerbs('completed'), ['rollback']);
  t.same(openVerbs('reverted'), ['start']);
});

await t.test('a raise takes effect when it says, a rollback at once', async (t) => {
  const early = { ...at(5000), lead: 1000 };
  const raised = apply(state('in_progress'), 'advance', early) as RolloutState;
  t.equal(percentAt(raised, 5999), 25);
  t.equal(percentAt(raised, 6000), 50);
  t.equal(
    percentAt(apply(raised, 'pause', at(5500)) as RolloutState, 6000),
    50,
    'a pause does not take it back',
  );
  const back = apply(raised, 'rollback', early) as RolloutState;
  t.equal(percentAt(back, 5000), 0);
  t.equal(percentAt(back, 0), 0, 'by any clock');
});

await t.test('the history keeps the last two hundred changes', async (t) => {
  let current = state('in_progress');
  for (let round = 0; round < 150; round += 1) {
    current = apply(current, 'pause', at(round)) as RolloutState;
    current = apply(current, 'resume', at(round)) as RolloutState;
  }
  t.equal(current.history.length, 200);
  t.equal(current.history.at(-1)?.at, 149);
});
