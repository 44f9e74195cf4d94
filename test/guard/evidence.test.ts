import t from 'tap';
import {
  logEvidence,
  logMean,
  noEvidence,
  observe,
  part,
  startAnother,
  type Exposure,
} from '../../src/guard/evidence.ts';
import { seeded } from '../../src/guard/simulate.ts';

const ratios = [1.5, 2, 5];
const tolerated = 1.25;

const chance = ({ n0, n1 }: Exposure, ratio: number) => (n1 * ratio) / (n0 + n1 * ratio);

const likelihood = (tick: Exposure, ratio: number) =>
  chance(tick, ratio) ** tick.x * (1 - chance(tick, ratio)) ** (tick.m - tick.x);

/** The definition, in plain numbers: for each ratio and each start, the product of likelihood ratios since then. */
function reference(ticks: readonly Exposure[], starts: readonly number[]): number {
  let sum = 0;
  for (const ratio of ratios)
    for (const [index, start] of starts.entries()) {
      let product = 1;
      for (const tick of ticks.slice(start)) product *= likelihood(tick, ratio) / likelihood(tick, tolerated);
      sum += (product * 6) / (Math.PI ** 2 * (index + 1) ** 2);
    }
  return sum / ratios.length;
}

function evidenceOf(ticks: readonly Exposure[], starts: readonly number[] = [0]): number {
  const evidence = noEvidence(tolerated, ratios);
  for (const [index, tick] of ticks.entries()) {
    if (index > 0 && starts.includes(index)) startAnother(evidence);
    observe(evidence, tick);
  }
  return logEvidence(evidence);
}

await t.test('evidence is the mixture of all ratios and all starts, as it is defined', async (t) => {
  const random = seeded(1);
  const upTo = (most: number) => Math.floor(random() * (most + 1));
  for (let round = 0; round < 200; round += 1) {
    const ticks = Array.from({ length: 1 + upTo(30) }, (): Exposure => {
      const m = upTo(4);
      return { n0: 1 + upTo(50), n1: 1 + upTo(50), m, x: upTo(m) };
    });
    const starts = [...new Set([0, upTo(30), upTo(30), upTo(30)])]
      .filter((start) => start < ticks.length)
      .toSorted((a, b) => a - b);
    const [found, wanted] = [evidenceOf(ticks, starts), Math.log(reference(ticks, starts))];
    t.ok(Math.abs(found - wanted) < 1e-9, `${found} is ${wanted}`);
  }
});

await t.test('before the first tick there is only the weight of the first test', async (t) => {
  t.ok(Math.abs(evidenceOf([]) - Math.log(part(1))) < 1e-12);
});

await t.test('a tick that exposed one side, or brought no event, changes nothing', async (t) => {
  const told = [{ n0: 10, n1: 10, m: 3, x: 3 }];
  const before = evidenceOf(told);
  const silent: Exposure[] = [
    { n0: 0, n1: 10, m: 4, x: 4 },
    { n0: 10, n1: 0, m: 4, x: 0 },
    { n0: 0, n1: 0, m: 0, x: 0 },
    { n0: 10, n1: 10, m: 0, x: 0 },
  ];
  for (const tick of silent) t.equal(evidenceOf([...told, tick]), before, JSON.stringify(tick));
});

await t.test('how many were exposed does not matter, only how they divide', async (t) => {
  const [few, many] = [1, 1e6].map((times) => [{ n0: 3 * times, n1: times, m: 5, x: 4 }]);
  t.ok(Math.abs(evidenceOf(few ?? []) - evidenceOf(many ?? [])) < 1e-12);
});

await t.test('events on control speak against it, events on treatment for it', async (t) => {
  const rising = Array.from({ length: 11 }, (_, x) => evidenceOf([{ n0: 10, n1: 10, m: 10, x }]));
  t.strictSame(
    rising,
    rising.toSorted((a, b) => a - b),
  );
  t.ok((rising[0] ?? 0) < (rising[10] ?? 0) - 5);
});

await t.test('a day of ticks stays finite, whatever they bring', async (t) => {
  const days: Record<string, Exposure> = {
    'all events on treatment': { n0: 1000, n1: 1000, m: 1000, x: 1000 },
    'all on control': { n0: 1000, n1: 1000, m: 1000, x: 0 },
    'a hair of exposure': { n0: 1e9, n1: 1, m: 1000, x: 1000 },
    'nearly all of it': { n0: 1, n1: 1e9, m: 1000, x: 0 },
  };
  for (const [name, tick] of Object.entries(days)) {
    const evidence = noEvidence(tolerated, [1.875, 125]);
    for (let second = 0; second < 86_400; second += 1) {
      observe(evidence, tick);
      if (second % 60 === 59) startAnother(evidence);
    }
    t.ok(Number.isFinite(logEvidence(evidence)), `${name}: ${logEvidence(evidence)}`);
  }
});

await t.test('a good start does not drown a late fault', async (t) => {
  const good = Array.from({ length: 600 }, (): Exposure => ({ n0: 100, n1: 100, m: 1, x: 0 }));
  const bad = Array.from({ length: 30 }, (): Exposure => ({ n0: 100, n1: 100, m: 1, x: 1 }));
  const starts = Array.from({ length: 11 }, (_, index) => 60 * index);
  t.ok(evidenceOf([...good, ...bad]) < -50, 'one test alone is drowned');
  t.ok(evidenceOf([...good, ...bad], starts) > 3, 'the one that started last is not');
});

await t.test('the mean of evidence is taken of the numbers, not of their logarithms', async (t) => {
  t.ok(Math.abs(logMean([Math.log(1), Math.log(2), Math.log(6)]) - Math.log(3)) < 1e-12);
  t.equal(logMean([-Infinity, -Infinity]), -Infinity);
  t.ok(Math.abs(logMean([5000, -5000]) - (5000 - Math.LN2)) < 1e-9, 'nothing overflows');
});

await t.test('the weights of all tests together are one', async (t) => {
  let sum = 0;
  for (let j = 1; j <= 1e6; j += 1) sum += part(j);
  t.ok(sum < 1 && sum > 1 - 1e-6, String(sum));
});
