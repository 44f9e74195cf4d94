import t from 'tap';
import { createRecorder, type Charted } from '../../src/telemetry/history.ts';
import type { Outcome } from '../../src/telemetry/outcome.ts';
import { createTally } from '../../src/telemetry/tally.ts';
import { day, hour, manualClock, minute, second } from '../support/clock.ts';

const facts: Charted = { flag: 'facts', routes: ['a', 'b'], versions: ['0', '1'] };

const fault = (error: unknown) => {
  throw error;
};

/** Traffic of two routes with one flag, on a clock that goes when told to. */
function recorded(flags: readonly Charted[] = [facts], clock = manualClock()) {
  const tally = createTally();
  const set: { scheduled: number | null } = { scheduled: 25 };
  const recorder = createRecorder(flags, tally, () => ({ ...set, evidence: {} }), clock, fault);
  const serve = (
    version: string,
    { route = 'a', ms = 10, status = 200, times = 1, reason = 'FALLTHROUGH' } = {},
  ) => {
    for (let i = 0; i < times; i += 1) {
      tally.began(route, 'facts', { version, reason, evaluation: undefined });
      tally.ended({ ...outcome, route, version, reason, status, headMs: ms });
    }
  };
  return { clock, tally, set, recorder, serve };
}

const outcome: Outcome = {
  id: 'x',
  route: 'a',
  version: '0',
  reason: 'FALLTHROUGH',
  method: 'GET',
  path: '/',
  status: 200,
  durationMs: 12,
  headMs: 10,
  bytesIn: 1,
  bytesOut: 1,
  upstream: 'v0',
  error: undefined,
};

await t.test('a timer that comes a little early ends its second once', async (t) => {
  const clock = manualClock();
  const hasty = { ...clock, after: (ms: number, task: () => void) => clock.after(Math.max(1, ms - 1), task) };
  const { recorder, serve } = recorded([facts], hasty);
  const start = clock.now();
  let told = 0;
  recorder.everySecond(() => (told += 1));
  serve('0', { times: 3 });
  await clock.pass(second);
  t.match(recorder.latest('facts'), { at: start, versions: { 0: { requests: 3 } } });
  t.equal(told, 1);
});

await t.test(
  'each second tells what was served in it, by version, over all routes of the flag',
  async (t) => {
    const { clock, recorder, serve } = recorded();
    const start = clock.now();
    serve('0', { times: 3 });
    serve('0', { route: 'b', times: 3, ms: 20 });
    serve('1', { times: 2, status: 500 });
    serve('1', { times: 1, reason: 'TARGET_MATCH' });
    await clock.pass(second);
    const expected = {
      at: start,
      scheduled: 25,
      observed: 25,
      versions: { 0: { requests: 6, failed: 0 }, 1: { requests: 3, failed: 2 } },
    };
    t.match(
      recorder.latest('facts'),
      expected,
      'whom a target sends is served, but tells nothing of the share',
    );
    const { p50, p99 } = recorder.latest('facts').versions['0'] ?? {};
    t.ok(Math.abs((p50 ?? 0) - 10) < 1.3 && Math.abs((p99 ?? 0) - 20) < 2.6, `${p50} and ${p99} ms`);

    serve('0');
    await clock.pass(second);
    t.match(recorder.latest('facts'), {
      at: start + second,
      versions: { 0: { requests: 1 }, 1: { requests: 0, p50: null } },
    });
    t.match(recorder.history('facts', 'minutes'), { step: 1, moments: [expected, { at: start + second }] });
  },
);

await t.test('seconds without traffic are not kept, unless the share was changed', async (t) => {
  const { clock, set, recorder, serve } = recorded();
  const kept = () =>
    recorder.history('facts', 'minutes')?.moments.map(({ at, scheduled }) => [at - start, scheduled]);
  const start = clock.now();
  await clock.pass(5 * second);
  t.strictSame(kept(), [], 'a flag that nobody asked for costs nothing');
  serve('0');
  await clock.pass(5 * second);
  set.scheduled = 50;
  await clock.pass(5 * second);
  t.strictSame(kept(), [
    [5 * second, 25],
    [10 * second, 50],
  ]);
});

await t.test('ten minutes are kept by seconds, a day by minutes', async (t) => {
  const { clock, recorder, serve } = recorded();
  for (let i = 0; i < 90; i += 1) {
    serve('0', { times: 2 });
    await clock.pass(second);
  }
  const minutes = recorder.history('facts', 'day')?.moments ?? [];
  t.match(recorder.history('facts', 'day'), { step: 60 });
  t.strictSame(
    minutes.map(({ versions }) => versions['0']?.requests),
    [120, 60],
    'the minute under way is told as far as it has come',
  );
  t.equal(recorder.history('facts', 'minutes')?.moments.length, 90);
  await clock.pass(10 * minute);
  t.equal(recorder.history('facts', 'minutes')?.moments.length, 0);
  t.equal(recorder.history('facts', 'day')?.moments.length, 2);
  clock.jump(day + hour);
  t.equal(recorder.history('facts', 'day')?.moments.length, 0);
});

await t.test(
  'memory is bounded by the number of flags with a history, whatever else is asked for',
  async (t) => {
    const flags = Array.from({ length: 40 }, (_, i) => ({
      flag: `f${i}`,
      routes: [`r${i}`],
      versions: ['0', '1'],
    }));
    const { clock, recorder, serve } = recorded(flags);
    for (const { routes } of flags) serve('0', { route: routes[0] ?? '' });
    await clock.pass(second);
    const lengths = flags.map(({ flag }) => recorder.history(flag, 'minutes')?.moments.length);
    t.equal(lengths.filter((length) => length === 1).length, 32);
    t.match(recorder.latest('f39'), { versions: { 0: { requests: 1 } } }, 'what is now is told of each');
    t.equal(recorder.history('nobody', 'minutes'), undefined);
  },
);

await t.test('whoever listens is called each second until they stop, and a stop ends it all', async (t) => {
  const { clock, recorder } = recorded();
  let heard = 0;
  const stop = recorder.everySecond(() => (heard += 1));
  await clock.pass(3 * second);
  t.equal(heard, 3);
  stop();
  await clock.pass(3 * second);
  t.equal(heard, 3);
  recorder.everySecond(() => (heard += 1));
  recorder.close();
  await clock.pass(3 * second);
  t.equal(heard, 3);
});

await t.test('a fault in what is shown is told of once, and the seconds go on', async (t) => {
  const clock = manualClock();
  const faults: unknown[] = [];
  const recorder = createRecorder(
    [facts],
    createTally(),
    () => ({ scheduled: null, evidence: {} }),
    clock,
    (error) => faults.push(error),
  );
  let seconds = 0;
  recorder.everySecond(() => {
    seconds += 1;
    throw new Error('cannot be shown');
  });
  await clock.pass(3 * second);
  t.equal(seconds, 3);
  t.equal(faults.length, 1);
  recorder.close();
});
