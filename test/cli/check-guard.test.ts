import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runHere } from '../support/command.ts';

/** What `check` notes of a rollout with these stages, whose route has this guard. */
async function notesOf(t: Test, stages: string, guard = '{}'): Promise<string[]> {
  const folder = t.testdir({
    'a.yaml': `upstreams: { v0: { url: http://a }, v1: { url: http://b } }
rollouts: { f: { from: 0, to: 1, stages: [${stages}] } }
routes: [{ name: facts, flag: f, versions: { 0: v0, 1: v1 }, default: 0, guard: ${guard} }]
`,
  });
  const { code, stdout, stderr } = await runHere(t, ['check', '-c', join(folder, 'a.yaml')]);
  t.strictSame({ code, stderr }, { code: 0, stderr: '' });
  return stdout.split('\n').filter((line) => line.startsWith('note: '));
}

const minutes = '{ percent: 25, for: 1m }, { percent: 50, for: 1m }';

await t.test('a schedule that could catch nothing is noted, with what to do', async (t) => {
  const schedules: Record<string, [string, string?]> = {
    'everybody at once': ['{ percent: 100, for: 1h }'],
    'over within a second': ['{ percent: 25, for: 400ms }, { percent: 50, for: 400ms }'],
    'a guard that waits for a million failures': [minutes, '{ errors: { minFailures: 1000000 } }'],
  };
  for (const [name, [stages, guard]] of Object.entries(schedules))
    t.strictSame(
      await notesOf(t, stages, guard),
      [
        'note: facts: the rollout of f would be over before its guard could tell even that 1 is down; give its stages more time, below 100 %, and see `trenchcoat plan`',
      ],
      name,
    );
});

await t.test('one that could catch something is not', async (t) => {
  t.strictSame(await notesOf(t, minutes), []);
  t.strictSame(await notesOf(t, '{ percent: 25, for: 1s }, { percent: 100, for: 1m }'), []);
  t.strictSame(await notesOf(t, '{ percent: 0.001, for: 1s }'), [], 'it is held until somebody comes');
});

await t.test('nor where nobody watches', async (t) => {
  t.strictSame(await notesOf(t, '{ percent: 100, for: 1h }', '{ onRegression: off }'), []);
});
