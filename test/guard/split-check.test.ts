import t from 'tap';
import { guard } from '../../src/config/guard-schema.ts';
import { createJudge } from '../../src/guard/judge.ts';
import { seeded } from '../../src/guard/simulate.ts';
import { emptyTick, type Tick } from '../../src/guard/tick.ts';

const usual = guard.parse({});

const arrived = (all: number, treatment: number): Tick => ({
  ...emptyTick(),
  units: { control: all - treatment, treatment },
  arrivals: { all, treatment },
});

type Divided = { actual: (second: number) => number; scheduled: (second: number) => number | undefined };

/** The second in which it is said that users do not divide as they should; 10 come a second, for ten minutes. */
function warned({ actual, scheduled }: Divided, seed: number): number | undefined {
  const random = seeded(seed);
  const judge = createJudge(usual);
  for (let second = 0; second < 600; second += 1) {
    let treatment = 0;
    for (let user = 0; user < 10; user += 1) if (random() < actual(second)) treatment += 1;
    judge.take(arrived(10, treatment), scheduled(second));
    const split = judge.standings().find(({ signal }) => signal === 'split');
    if (split !== undefined && split.evidence >= split.warn) return second;
  }
  return undefined;
}

const steps = (second: number) => (second < 200 ? 0.05 : second < 400 ? 0.25 : 0.5);

await t.test('users who divide as they should are never wondered at, in 500 runs', async (t) => {
  for (const share of [steps, () => 0.5]) {
    const found = Array.from({ length: 500 }, (_, seed) => warned({ actual: share, scheduled: share }, seed));
    // One in a thousand is what is allowed; that none is right would be a matter of luck.
    t.equal(found.filter((second) => second !== undefined).length, 0);
  }
});

await t.test('users who divide otherwise are, whichever way', async (t) => {
  const cases: [actual: number, scheduled: number, within: number][] = [
    [0.3, 0.5, 30],
    [0.7, 0.5, 30],
    [1, 0.5, 5],
    [0, 0.5, 5],
    [0.5, 0.25, 25],
    [0.1, 0.05, 180],
  ];
  for (const [actual, scheduled, within] of cases)
    for (let seed = 0; seed < 20; seed += 1) {
      const second = warned({ actual: () => actual, scheduled: () => scheduled }, seed);
      t.ok(second !== undefined && second <= within, `${actual} for ${scheduled}: second ${second}`);
    }
});

await t.test('a second without a scheduled share is passed over', async (t) => {
  const judge = createJudge(usual);
  const before = judge.standings()[2]?.evidence;
  for (let second = 0; second < 50; second += 1) judge.take(arrived(100, 100), undefined);
  t.equal(judge.standings()[2]?.evidence, before);
  for (const share of [0, 1]) judge.take(arrived(100, 50), share);
  t.equal(judge.standings()[2]?.evidence, before, 'and so is one in which all were to be on one side');
});

await t.test('it never acts', async (t) => {
  const judge = createJudge(usual);
  for (let second = 0; second < 60; second += 1) judge.take(arrived(100, 100), 0.5);
  t.equal(judge.verdict(), undefined);
});
