import t from 'tap';
import { changeText, type Rollout } from '../../src/cli/rollout-text.ts';
import type { RolloutView } from '../../src/rollout/view.ts';
import { runHere } from '../support/command.ts';
import { aTrip } from '../support/guard-admin.ts';
import { aRollout, startRolloutAdmin } from '../support/rollout-admin.ts';

const words = 'v1 failed 38 of 412 users (9.2 %), v0 2 of 430 (0.5 %): evidence 1 : 41,000';

/** A change of which the guard, the schedule or a person is told. */
const change = (who: 'guard' | 'schedule' | 'person', why: string): RolloutView['history'][number] => ({
  at: '2026-03-01T10:00:52.000Z',
  who,
  verb: 'rollback',
  from: 'in_progress',
  to: 'reverted',
  percent: 0,
  why,
});

const stopped = (more: Partial<RolloutView> = {}) =>
  aRollout({
    status: 'reverted',
    percent: 0,
    stage: undefined,
    leftMs: undefined,
    regression: aTrip(),
    history: [change('guard', 'a regression')],
    ...more,
  });

const textOf = (view: RolloutView) => changeText(JSON.parse(JSON.stringify(view)) as Rollout);

await t.test('status says what the guard found, and as JSON has all of it', async (t) => {
  const { url, shown } = await startRolloutAdmin(t, [stopped()]);
  const { stdout } = await runHere(t, ['rollout', 'status', '--admin', url]);
  t.match(stdout.split('\n'), ['facts: reverted, 0 % (from 0 to 1, by user)']);
  t.ok(stdout.includes(`\n  guard     ${words}\n`), stdout);
  const json = await runHere(t, ['rollout', 'status', 'facts', '--json', '--admin', url]);
  t.strictSame(JSON.parse(json.stdout), JSON.parse(JSON.stringify(shown[0])));
});

await t.test('a watch ends with what the guard found', async (t) => {
  const { url } = await startRolloutAdmin(t, [stopped()]);
  t.strictSame(await runHere(t, ['rollout', 'watch', '--admin', url]), {
    code: 0,
    stdout: `facts: reverted, 0 %; guard: ${words}\n`,
    stderr: '',
  });
});

await t.test('a rollout that the guard holds is not over, and says why it stands still', async (t) => {
  const held = stopped({ status: 'regressed', percent: 50, stage: 1 });
  t.equal(textOf(held), `facts: regressed, 50 %, stage 2 of 2; guard: ${words}`);
  t.match(textOf({ ...held, status: 'in_progress' }), /^[^;]*$/, 'once it goes on, that is past');
});

await t.test('the last word is told: a person’s, and the end that was reached after all', async (t) => {
  t.equal(
    textOf(stopped({ history: [change('guard', words), change('person', 'enough')] })),
    'facts: reverted, 0 %; person: enough',
  );
  t.equal(
    textOf(stopped({ status: 'completed', percent: 100, history: [change('schedule', '')] })),
    'facts: completed, 100 %',
  );
});

await t.test('what the guard says reaches no terminal raw', async (t) => {
  const evil = { ...aTrip(), words: '\u001b]0;evil\u0007\u202e\n' };
  const { url } = await startRolloutAdmin(t, [stopped({ regression: evil })]);
  for (const verb of ['status', 'watch']) {
    const { stdout } = await runHere(t, ['rollout', verb, '--admin', url]);
    t.match(stdout, 'evil');
    t.notMatch(stdout.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
  }
});
