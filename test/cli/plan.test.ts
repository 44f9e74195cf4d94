import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Plan } from '../../src/cli/prospect.ts';
import { runHere } from '../support/command.ts';

const twoMinutes = '{ percent: 25, for: 1m }, { percent: 50, for: 1m }';

/** A configuration with one rollout, and what else is wanted of its stages and its guard. */
const rolledOut = (
  stages = twoMinutes,
  guard = '{}',
) => `upstreams: { v0: { url: http://a }, v1: { url: http://b } }
rollouts: { f: { from: 0, to: 1, stages: [${stages}] } }
routes: [{ name: facts, flag: f, versions: { 0: v0, 1: v1 }, default: 0, guard: ${guard} }]
`;

async function run(t: Test, yaml: string, ...args: string[]) {
  const folder = t.testdir({ 'a.yaml': yaml });
  return runHere(t, ['plan', '-c', join(folder, 'a.yaml'), ...args]);
}

async function plansOf(t: Test, yaml: string, ...args: string[]): Promise<Plan[]> {
  const { code, stdout, stderr } = await run(t, yaml, '--json', ...args);
  t.equal(code, 0, stderr);
  return (JSON.parse(stdout) as { plans: Plan[] }).plans;
}

async function planOf(t: Test, yaml: string, ...args: string[]): Promise<Plan> {
  const [plan] = await plansOf(t, yaml, ...args);
  if (plan === undefined) throw new Error('there is no plan');
  return plan;
}

const chances = ({ errors }: Plan) => errors.map(({ chance }) => chance);

await t.test('it begins with a sentence, and goes on with a table', async (t) => {
  const { code, stdout, stderr } = await run(t, rolledOut(), '--rps', '100');
  t.strictSame({ code, stderr }, { code: 0, stderr: '' });
  const [head, sentence, , columns, ...rows] = stdout.split('\n');
  t.equal(head, 'f on facts: 100 requests a second, each of a new user, 0.5 % failing on v0');
  t.match(
    sentence,
    /^ {2}25 % for 1m, 50 % for 1m catches a rise from 0\.5 % to 2 % 9\d % of the time, to 1\.5 % \d\d %$/,
  );
  t.match(columns, /failing on v1 +caught +after +runs +failed by then/);
  t.match(rows[0], /^ +0\.75 % +\d %/);
  t.match(rows[6], /^ +down +100 % +1s +300 +25$/);
});

await t.test('what is worse is caught more surely, sooner, and before more have failed', async (t) => {
  const { errors } = await planOf(t, rolledOut(), '--rps', '100');
  t.strictSame(
    errors.map(({ value }) => Number(value.toPrecision(3))),
    [0.0075, 0.01, 0.015, 0.02, 0.025, 0.05, 1],
  );
  for (const [index, { chance, medianSeconds = Infinity }] of errors.slice(1).entries()) {
    const { chance: milder, medianSeconds: later = Infinity } = errors[index] ?? { chance: 0 };
    t.ok(chance >= milder, `${chance} after ${milder}`);
    if (chance > 0.5 && milder > 0.5) t.ok(medianSeconds < later);
  }
});

await t.test('the same seed says the same, and another nearly so', async (t) => {
  const of = async (seed: string) => chances(await planOf(t, rolledOut(), '--rps', '100', '--seed', seed));
  const [one, again, other] = [await of('7'), await of('7'), await of('8')];
  t.strictSame(one, again);
  t.notSame(one, other);
  for (const [index, chance] of one.entries()) t.ok(Math.abs(chance - (other[index] ?? 0)) < 0.15);
});

await t.test('more traffic, more time and more tolerance each show', async (t) => {
  const at = async (yaml: string, rps: string) => chances(await planOf(t, yaml, '--rps', rps));
  const usual = await at(rolledOut(), '100');
  const [, twice = 0] = usual;
  t.ok(((await at(rolledOut(), '1000'))[1] ?? 0) > twice + 0.3, 'ten times the requests');
  t.ok(
    ((await at(rolledOut('{ percent: 25, for: 10m }, { percent: 50, for: 10m }'), '100'))[1] ?? 0) >
      twice + 0.3,
    'ten times the time',
  );
  const tolerant = await at(rolledOut(twoMinutes, '{ errors: { tolerated: 8 } }'), '100');
  t.equal(tolerant[4], 0, 'a guard that tolerates eight times as many');
});

await t.test('users who come again, and slowness, are simulated by request', async (t) => {
  const args = ['--rps', '8', '--users', '200', '--latency', '20ms'];
  const { users, errors, latency } = await planOf(t, rolledOut(), ...args);
  t.equal(users, 200);
  t.equal(errors.at(-1)?.chance, 1);
  t.equal(latency?.ms, 20);
  t.strictSame(
    latency?.slower.map(({ value }) => value),
    [1.1, 1.2, 1.3, 1.5, 2],
  );
  t.ok((latency?.slower[0]?.chance ?? 1) < 0.05, 'what is tolerated is not caught');
  t.equal(latency?.slower[4]?.chance, 1);
  const brief = rolledOut('{ percent: 50, for: 20s }');
  t.match((await run(t, brief, ...args)).stdout, /slower than 20 ms +caught +after +runs\n +\+10 %/);
});

await t.test('where the guard leaves slowness alone, so does the plan', async (t) => {
  const plan = await planOf(t, rolledOut(twoMinutes, '{ latency: off }'), '--rps', '9', '--latency', '20ms');
  t.equal(plan.latency, undefined);
  t.equal(plan.errors.length, 7);
});

await t.test('a v0 that never fails is held against rates, not multiples', async (t) => {
  const { errors } = await planOf(t, rolledOut(), '--rps', '100', '--error-rate', '0');
  t.strictSame(
    errors.map(({ value }) => value),
    [0.001, 0.005, 0.01, 0.05, 0.1, 1],
  );
});

await t.test('a stage that is too rarely asked of is said to be held', async (t) => {
  t.equal((await planOf(t, rolledOut(), '--rps', '2')).held, 0);
  t.equal((await planOf(t, rolledOut(), '--rps', '100')).held, undefined);
  const { stdout } = await run(t, rolledOut(), '--rps', '2');
  t.match(stdout, /2 requests a second are too few for 25 % for 1m: .* held there/);
});

await t.test('a schedule of days is simulated in part, and that is said', async (t) => {
  const days = '{ percent: 5, for: 1h }, { percent: 25, for: 1d }, { percent: 50, for: 300d }';
  const { stdout } = await run(t, rolledOut(days), '--rps', '100', '--error-rate', '0');
  t.match(stdout, /Not all of the schedule was simulated, but 4d 15h at least/);
  t.match(stdout, /catches a rise from 0 % to 0\.1 % 100 % of the time/);
});
