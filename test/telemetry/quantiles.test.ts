import * as fc from 'fast-check';
import t from 'tap';
import { createHistogram, finely, count, quantile } from '../../src/telemetry/histogram.ts';
import { durationBounds, headBounds, headSteps } from '../../src/telemetry/tally.ts';

const filled = (bounds: readonly number[], values: readonly number[]) => {
  const histogram = createHistogram(bounds);
  for (const value of values) count(histogram, value);
  return histogram;
};

await t.test('a value is counted in the bucket whose bound is the next above it, or its own', async (t) => {
  const counts = (value: number) => [...filled([1, 2, 5], [value]).counts];
  t.strictSame(counts(0), [1, 0, 0, 0]);
  t.strictSame(counts(1), [1, 0, 0, 0], 'as Prometheus has `le`');
  t.strictSame(counts(1.001), [0, 1, 0, 0]);
  t.strictSame(counts(5), [0, 0, 1, 0]);
  t.strictSame(counts(5.1), [0, 0, 0, 1]);
  t.equal(filled([1, 2, 5], [0.5, 7]).sum, 7.5);
});

await t.test('a quantile is told to 15 percent, whatever was measured', async (t) => {
  const latency = fc.double({ min: 0.0005, max: 29, noNaN: true });
  const share = fc.constantFrom(0.5, 0.95, 0.99);
  fc.assert(
    fc.property(fc.array(latency, { minLength: 1, maxLength: 300 }), share, (values, share) => {
      const sorted = values.toSorted((a, b) => a - b);
      const exact = sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
      const told = quantile(headBounds, filled(headBounds, values).counts, share) ?? 0;
      return Math.abs(told - exact) <= 0.15 * exact;
    }),
  );
  t.equal(
    quantile(headBounds, createHistogram(headBounds).counts, 0.5),
    undefined,
    'of nothing there is none',
  );
  t.equal(
    quantile(headBounds, filled(headBounds, [99]).counts, 0.5),
    30,
    'above the last bound it is the bound',
  );
});

await t.test("fine bounds hold Prometheus' own", async (t) => {
  const fine = finely(durationBounds, headSteps);
  t.strictSame(
    fine.filter((_, index) => (index + 1) % headSteps === 0),
    [...durationBounds],
  );
  t.ok(fine.every((bound, index) => bound > (fine[index - 1] ?? 0)));
});
