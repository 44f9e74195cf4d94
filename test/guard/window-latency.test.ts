import t, { type Test } from 'tap';
import { createWindow, type Window } from '../../src/guard/window.ts';
import { saw } from './worlds.ts';

const latency = { tolerated: 1.1, slack: 5 };
const [onControl, onTreatment] = [false, true];
const never = { control: Infinity, treatment: Infinity };

/** A window whose control has answered so many times, within 1 to 100 times `ms`, evenly. */
function practised(
  samples: number,
  ms: number,
  options: { latency?: typeof latency | undefined } = {},
): Window {
  const window = createWindow({ unit: 'context', latency, seed: 1, ...options });
  for (let n = 0; n < samples; n += 1) saw(window, `past-${n}`, onControl, false, ms * (1 + (n % 100)));
  window.close();
  return window;
}

await t.test('below 200 answers of control nothing is slow', async (t) => {
  const window = practised(199, 1);
  t.strictSame(window.slowerThan(0), never);
  t.equal(window.quantiles().control, undefined);
  saw(window, 'u', onTreatment, false, 1e9);
  t.strictSame(
    window.close().latency,
    [0, 1, 2].map(() => ({ n0: 0, n1: 0, m: 0, x: 0 })),
  );
  t.not(practised(200, 1).slowerThan(0).control, Infinity);
});

const near = (t: Test, found: number, wanted: number) =>
  t.ok(Math.abs(found - wanted) <= wanted / 50, `${found} is about ${wanted}`);

await t.test(
  "slow is what is above control's quantiles, and on treatment above what is tolerated",
  async (t) => {
    const window = practised(2000, 10);
    for (const [index, quantile] of [510, 910, 1000].entries()) {
      const { control, treatment } = window.slowerThan(index);
      near(t, control, quantile);
      near(t, treatment, quantile * 1.1);
    }
    const fast = practised(2000, 0.1).slowerThan(0);
    near(t, fast.control, 5.1);
    t.equal(fast.treatment, fast.control + 5, 'the slack, where it is more than the share');
  },
);

await t.test('what is slow in a second was settled before it', async (t) => {
  const window = practised(2000, 10);
  const before = window.slowerThan(0);
  for (let n = 0; n < 2000; n += 1) saw(window, `u${n}`, onControl, false, 1);
  t.strictSame(window.slowerThan(0), before);
  t.equal(window.close().latency[0]?.m, 0);
  t.equal(window.slowerThan(0).control, 1, 'and follows control in the next');
});

await t.test('a user is slow once an epoch at each threshold, whatever version they were on', async (t) => {
  const window = practised(2000, 10);
  const medians = (version: boolean, ms: number) => {
    saw(window, 'u', version, false, ms);
    return window.close().latency.map(({ n0, n1, m, x }) => [n0, n1, m, x].join(' '));
  };
  t.strictSame(medians(onTreatment, 500), ['0 1 0 0', '0 1 0 0', '0 1 0 0']);
  t.strictSame(medians(onTreatment, 530), ['0 1 0 0', '0 1 0 0', '0 1 0 0'], 'tolerated');
  t.strictSame(medians(onTreatment, 600), ['0 1 1 1', '0 1 0 0', '0 1 0 0']);
  t.strictSame(medians(onControl, 600), ['0 0 0 0', '1 0 0 0', '1 0 0 0'], 'has moved, and was slow before');
  t.strictSame(medians(onControl, 5000), ['0 0 0 0', '1 0 1 0', '1 0 1 0']);
  window.newEpoch();
  t.strictSame(medians(onControl, 600), ['1 0 1 0', '1 0 0 0', '1 0 0 0']);
});

await t.test('failures and answers without a time are neither slow nor fast', async (t) => {
  const window = practised(2000, 10);
  saw(window, 'a', onTreatment, true, 5000);
  saw(window, 'b', onTreatment, false, undefined);
  t.strictSame(window.close().latency[0], { n0: 0, n1: 0, m: 0, x: 0 });
  t.equal(window.quantiles().treatment, undefined);
});

await t.test('the highest threshold that was passed is told', async (t) => {
  const window = practised(2000, 10);
  t.equal(saw(window, 'a', onTreatment, false, 600), 0);
  t.equal(saw(window, 'a', onTreatment, false, 600), undefined);
  t.equal(saw(window, 'a', onTreatment, false, 9999), 2);
});

await t.test('where latency is off nothing is slow, and latencies are known all the same', async (t) => {
  const window = practised(2000, 10, { latency: undefined });
  t.equal(saw(window, 'u', onTreatment, false, 9999), undefined);
  t.strictSame(window.close().latency[0], { n0: 0, n1: 0, m: 0, x: 0 });
  t.strictSame(window.slowerThan(0), never);
  near(t, window.quantiles().control?.p50 ?? 0, 510);
});
