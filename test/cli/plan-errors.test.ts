import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runHere } from '../support/command.ts';

const upstreams = 'upstreams: { v0: { url: http://a }, v1: { url: http://b } }\n';
const route = (flag: string, guard = '{}') =>
  `  - { name: ${flag}, match: { path: /${flag}/ }, flag: ${flag}, versions: { 0: v0, 1: v1 }, default: 0, guard: ${guard} }\n`;
const rollout = (flag: string) => `  ${flag}: { from: 0, to: 1, stages: [{ percent: 50, for: 5s }] }\n`;
const one = `${upstreams}rollouts:\n${rollout('f')}routes:\n${route('f')}`;
const two = `${upstreams}rollouts:\n${rollout('f')}${rollout('g')}routes:\n${route('f')}${route('g', '{ onRegression: off }')}`;

async function run(t: Test, yaml: string, ...args: string[]) {
  const folder = t.testdir({ 'a.yaml': yaml });
  const { code, stdout, stderr } = await runHere(t, ['plan', '-c', join(folder, 'a.yaml'), ...args]);
  return { code, out: stdout, err: stderr };
}

await t.test('an option that is no number is refused, with what it should be', async (t) => {
  const cases: [string[], RegExp][] = [
    [[], /required option '--rps <number>' not specified/],
    [['--rps', '0'], /--rps: found "0"; expected a number above 0/],
    [['--rps', '-5'], /--rps: found "-5"/],
    [['--rps', 'many'], /--rps: found "many"/],
    [['--rps', '2e6'], /--rps: found "2e6"; .*a million/],
    [['--rps', '9', '--error-rate', '100%'], /--error-rate: found "100%"; expected a share below 1/],
    [['--rps', '9', '--error-rate', '2'], /--error-rate: found "2"/],
    [['--rps', '9', '--error-rate', '-1%'], /--error-rate: found "-1%"/],
    [['--rps', '9', '--users', '1.5'], /--users: found "1\.5"; expected a whole number/],
    [['--rps', '9', '--users', '0'], /--users: found "0"/],
    [['--rps', '9', '--latency', '20'], /--latency: found "20"; expected a duration, such as 20ms/],
    [['--rps', '9', '--seed', 'x'], /--seed: found "x"/],
  ];
  for (const [args, message] of cases) {
    const { code, out, err } = await run(t, one, ...args);
    t.strictSame({ code, out }, { code: 1, out: '' }, args.join(' '));
    t.match(err, message);
  }
});

await t.test('a share may be written either way', async (t) => {
  for (const rate of ['2%', '2 %', '0.02'])
    t.match((await run(t, one, '--rps', '9', '--error-rate', rate)).out, /, 2 % failing on v0\n/, rate);
});

await t.test('without a rollout there is nothing to plan', async (t) => {
  const none = await run(t, `${upstreams}routes:\n${route('f')}`, '--rps', '9');
  t.match(none, { code: 1, out: '', err: /no rollout is configured; describe one under `rollouts`/ });
  const other = await run(t, two, 'h', '--rps', '9');
  t.match(other, { code: 1, out: '', err: /there is no rollout of the flag "h"; there are: f, g/ });
});

await t.test("with LaunchDarkly the schedule is LaunchDarkly's", async (t) => {
  const yaml = `flags: { source: launchdarkly, sdkKey: sdk-1 }\n${upstreams}routes:\n${route('f')}`;
  t.match(await run(t, yaml, '--rps', '9'), { code: 1, out: '', err: /flags come from LaunchDarkly/ });
});

await t.test(
  'all rollouts are planned, or the one that is named; a guard that is off is said to be',
  async (t) => {
    const all = await run(t, two, '--rps', '90');
    t.equal(all.code, 0);
    t.match(
      all.out,
      /^f on f: 90 requests[^]*\n\ng on g: 90 requests .*\n {2}its guard is off: nothing is watched/,
    );
    const named = await run(t, two, 'f', '--rps', '90');
    t.match(named.out, /^f on f: 90 requests/);
    t.notMatch(named.out, /g on g/);
  },
);

await t.test('a mistake in the configuration is told as ever', async (t) => {
  t.match(await run(t, `${one}listen: 3\n`, '--rps', '9'), {
    code: 1,
    out: '',
    err: /a\.yaml:\d+:\d+ listen: /,
  });
});
