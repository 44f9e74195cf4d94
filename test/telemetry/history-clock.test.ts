import t from 'tap';
import { createRecorder } from '../../src/telemetry/history.ts';
import { createTally } from '../../src/telemetry/tally.ts';
import { hour, manualClock, minute, second } from '../support/clock.ts';

// A machine may start with its clock far ahead and have it corrected. What was written down under the wrong time is in
// the future then, in front of everything else, and nothing behind it ever got old: the history grew for good.
await t.test('a clock that is set back by hours costs what was before, and no memory', async (t) => {
  const clock = manualClock();
  const tally = createTally();
  const facts = { flag: 'facts', routes: ['a'], versions: ['0', '1'] };
  const recorder = createRecorder([facts], tally, () => ({ scheduled: null, evidence: {} }), clock);
  t.teardown(() => recorder.close());
  const decided = { version: '0', reason: 'FALLTHROUGH', evaluation: undefined };
  const serveFor = async (seconds: number) => {
    for (let i = 0; i < seconds; i += 1) {
      tally.began('a', 'facts', decided);
      await clock.pass(second);
    }
  };
  const shown = () => recorder.history('facts', 'minutes')?.moments ?? [];

  await serveFor(20);
  t.equal(shown().length, 20);
  clock.jump(-5 * hour);
  await serveFor(700);
  t.equal(shown().length, 600, 'ten minutes, as ever');
  t.ok(
    shown().every(({ at }) => at <= clock.now() && at > clock.now() - 11 * minute),
    'all of them the last ones',
  );
});
