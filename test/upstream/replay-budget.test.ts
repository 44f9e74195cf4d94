import t from 'tap';
import { createReplayBudget } from '../../src/upstream/replay-budget.ts';

type Budget = ReturnType<typeof createReplayBudget>;

/** How many of `wanted` replays are allowed at a time. */
const taken = (budget: Budget, now: number, wanted: number): number =>
  Array.from({ length: wanted }, () => budget.take(now)).filter(Boolean).length;

const count = (budget: Budget, now: number, requests: number): void => {
  for (let i = 0; i < requests; i += 1) budget.count(now);
};

await t.test('ten a second always, whatever was asked for', (t) => {
  const budget = createReplayBudget();
  for (const now of [0, 1000, 2999, 3000, 1e9]) t.equal(taken(budget, now, 50), 10, `at ${now}`);
  t.equal(taken(budget, 1e9 + 999, 50), 0, 'the same second');
  t.equal(taken(budget, 1e9 + 1000, 50), 10, 'the next');
  t.end();
});

await t.test('a fifth of the requests of the last ten seconds', (t) => {
  const budget = createReplayBudget();
  count(budget, 500, 1000);
  t.equal(taken(budget, 900, 1000), 200);
  t.equal(taken(budget, 9000, 1000), 10, 'what was taken counts as long');
  t.equal(taken(budget, 10_000, 1000), 10, 'and what was asked for is forgotten then');
  t.end();
});

await t.test('seconds pass out of the span one by one', (t) => {
  const budget = createReplayBudget();
  for (let second = 0; second < 10; second += 1) count(budget, second * 1000, 100);
  t.equal(taken(budget, 9999, 1000), 200, 'all of them');
  const late = createReplayBudget();
  for (let second = 0; second < 10; second += 1) count(late, second * 1000, 100);
  t.equal(taken(late, 14_000, 1000), 100, 'the last five');
  t.end();
});

await t.test('a clock that stands still or steps back frees nothing', (t) => {
  const budget = createReplayBudget();
  t.equal(taken(budget, 60_000, 20), 10);
  t.equal(taken(budget, 50_000, 20), 0);
  t.equal(taken(budget, 61_000, 20), 10);
  t.end();
});

await t.test('in ten minutes of steady load never more than a fifth, or ten a second', (t) => {
  for (const [perSecond, allowed] of [
    [10, 10],
    [100, 20],
    [1000, 200],
  ] as const) {
    const budget = createReplayBudget();
    let replays = 0;
    for (let second = 0; second < 600; second += 1) {
      count(budget, second * 1000, perSecond);
      replays += taken(budget, second * 1000, perSecond);
    }
    t.ok(
      replays <= 600 * allowed * 1.05 && replays >= 600 * allowed * 0.9,
      `${replays} of ${perSecond} a second`,
    );
  }
  t.end();
});
