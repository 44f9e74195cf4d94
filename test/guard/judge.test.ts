import t from 'tap';
import { guard } from '../../src/config/guard-schema.ts';
import { createJudge } from '../../src/guard/judge.ts';
import { emptyTick, type Tick } from '../../src/guard/tick.ts';

const usual = guard.parse({});

/** A second in which so many new users were on either side, and so many of them failed. */
const second = (
  control: [units: number, failed: number],
  treatment: [units: number, failed: number],
): Tick => ({
  ...emptyTick(),
  errors: { n0: control[0], n1: treatment[0], m: control[1] + treatment[1], x: treatment[1] },
  units: { control: control[0], treatment: treatment[0] },
  arrivals: { all: control[0] + treatment[0], treatment: treatment[0] },
});

function judgeOf(...ticks: Tick[]) {
  const judge = createJudge(usual);
  for (const tick of ticks) judge.take(tick, 0.5);
  return judge;
}

await t.test('a verdict carries the counts, the evidence, and what was needed', async (t) => {
  t.equal(judgeOf().verdict(), undefined, 'nothing seen');
  const verdict = judgeOf(second([100, 0], [100, 0]), second([100, 1], [100, 60])).verdict();
  t.match(verdict, {
    signal: 'errors',
    control: { units: 200, events: 1 },
    treatment: { units: 200, events: 60 },
    needed: -Math.log((0.005 * 6) / Math.PI ** 2),
  });
  t.ok(verdict !== undefined && verdict.evidence > verdict.needed);
});

await t.test('four failures are too few to act on, however clear they are', async (t) => {
  // Treatment has one user in a hundred, so that each failure there weighs much.
  const one = second([99, 0], [1, 1]);
  const [four, five] = [judgeOf(one, one, one, one), judgeOf(one, one, one, one, one)];
  t.ok((four.standings()[0]?.evidence ?? 0) > (four.standings()[0]?.act ?? Infinity));
  t.equal(four.verdict(), undefined);
  t.equal(five.verdict()?.signal, 'errors');
});

await t.test('less than a tenth of a percentage point is no reason to act', async (t) => {
  const [less, enough] = [99, 100].map((failed) => judgeOf(second([100_000, 0], [100_000, failed])));
  t.ok((less?.standings()[0]?.evidence ?? 0) > (less?.standings()[0]?.act ?? Infinity));
  t.equal(less?.verdict(), undefined, '0.099 points');
  t.equal(enough?.verdict()?.signal, 'errors', '0.1 points');
});

await t.test('failures on v0, or as many on both, are none of v1', async (t) => {
  t.equal(judgeOf(second([100, 60], [100, 0])).verdict(), undefined);
  t.equal(judgeOf(second([100, 60], [100, 60])).verdict(), undefined);
});

await t.test('each epoch begins from nothing, and needs more than the one before', async (t) => {
  const judge = judgeOf(second([100, 0], [100, 60]));
  t.ok(judge.verdict());
  const needed = [1, 2, 3, 10].map((epoch) => {
    judge.begin(epoch);
    t.equal(judge.verdict(), undefined);
    t.match(judge.counts(), { control: { units: 0, events: 0 }, treatment: { units: 0, events: 0 } });
    return judge.standings()[0]?.act ?? 0;
  });
  for (const [index, j] of [1, 2, 3, 10].entries())
    t.ok(
      Math.abs((needed[index] ?? 0) + Math.log((0.005 * 6) / (Math.PI ** 2 * j ** 2))) < 1e-9,
      `1/α of epoch ${j}`,
    );
});

await t.test(
  'a warning needs less than acting does, and the chances are halved between signals',
  async (t) => {
    const part = 6 / Math.PI ** 2;
    const close = (found: number | undefined, chance: number) =>
      t.ok(Math.abs((found ?? 0) + Math.log(chance * part)) < 1e-9, `1 in ${1 / chance}`);
    const [errors, latency, split] = judgeOf().standings();
    close(errors?.act, 0.005);
    close(errors?.warn, 0.025);
    close(latency?.act, 0.005);
    close(split?.warn, 0.001);
    t.strictSame([errors?.signal, latency?.signal, split?.signal], ['errors', 'latency', 'split']);
  },
);

/** Seconds of failures on v1 until it acts, after so many seconds in which v0 alone failed. */
function lateness(quiet: number): number {
  const judge = judgeOf(...Array.from({ length: quiet }, () => second([50, 2], [50, 0])));
  for (let late = 1; ; late += 1) {
    judge.take(second([50, 0], [50, 5]), 0.5);
    if (judge.verdict() !== undefined) return late;
  }
}

await t.test('a test starts each minute, so that a time without fault costs little', async (t) => {
  t.ok(lateness(540) <= 30, `${lateness(540)} s after nine minutes`);
  t.ok(lateness(86_400) <= 60, `${lateness(86_400)} s after a day, in an epoch as long`);
  t.ok(lateness(50) > 20, 'until it does, the good of this minute is held against the bad');
});

await t.test('slowness names the threshold that speaks loudest', async (t) => {
  const quiet = { n0: 100, n1: 100, m: 10, x: 5 };
  const loud = { n0: 100, n1: 100, m: 60, x: 58 };
  const judge = judgeOf({ ...second([100, 0], [100, 0]), latency: [quiet, loud, quiet] });
  t.match(judge.verdict(), {
    signal: 'latency',
    threshold: 1,
    control: { units: 100, events: 2 },
    treatment: { units: 100, events: 58 },
  });
});

await t.test('with both, it is the errors that are told', async (t) => {
  const loud = { n0: 100, n1: 100, m: 60, x: 58 };
  const judge = judgeOf({ ...second([100, 1], [100, 60]), latency: [loud, loud, loud] });
  t.equal(judge.verdict()?.signal, 'errors');
});

await t.test('what is tolerated is what the configuration says', async (t) => {
  const judge = createJudge(guard.parse({ errors: { tolerated: 10, minFailures: 50, minDifference: 20 } }));
  judge.take(second([1000, 10], [1000, 100]), 0.5);
  t.equal(judge.verdict(), undefined, 'ten times as many');
  judge.begin(1);
  judge.take(second([1000, 1], [1000, 190]), 0.5);
  t.equal(judge.verdict(), undefined, 'less than 20 points');
  judge.begin(1);
  judge.take(second([1000, 1], [1000, 210]), 0.5);
  t.equal(judge.verdict()?.signal, 'errors');
});
