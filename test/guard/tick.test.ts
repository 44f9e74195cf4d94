import t from 'tap';
import { seeded } from '../../src/guard/simulate.ts';
import { emptyTick, numbersOf, tickOf } from '../../src/guard/tick.ts';
import { createWindow } from '../../src/guard/window.ts';
import { saw } from './worlds.ts';

await t.test('a tick comes back from its numbers as it was', async (t) => {
  t.strictSame(tickOf(numbersOf(emptyTick())), emptyTick());
  const random = seeded(1);
  const window = createWindow({ unit: 'context', latency: { tolerated: 1.1, slack: 5 }, seed: 1 });
  for (let second = 0; second < 5; second += 1) {
    for (let request = 0; request < 2000; request += 1)
      saw(window, `user-${request}`, random() < 0.5, random() < 0.1, 100 * random());
    const tick = window.close();
    t.strictSame(tickOf(numbersOf(tick)), tick);
  }
});

await t.test('the numbers of two proxies add up to a tick', async (t) => {
  const here = {
    ...emptyTick(),
    errors: { n0: 4, n1: 3, m: 2, x: 1 },
    arrivals: { all: 7, treatment: 3 },
  };
  const sum = numbersOf(here).map((number) => 2 * number);
  t.match(tickOf(sum), { errors: { n0: 8, n1: 6, m: 4, x: 2 }, arrivals: { all: 14, treatment: 6 } });
});

await t.test('numbers that no tick has are refused', async (t) => {
  const numbers = numbersOf({
    ...emptyTick(),
    errors: { n0: 4, n1: 3, m: 2, x: 1 },
    arrivals: { all: 7, treatment: 3 },
  });
  const but = (index: number, number: number) => tickOf(numbers.with(index, number));
  t.ok(tickOf(numbers));
  t.equal(tickOf([]), undefined);
  t.equal(tickOf(numbers.slice(1)), undefined, 'too few');
  t.equal(tickOf([...numbers, 0]), undefined, 'too many');
  for (const bad of [-1, 0.5, Number.NaN, Infinity, 2 ** 60])
    for (const index of numbers.keys()) t.equal(but(index, bad), undefined, `${bad} at ${index}`);
  t.equal(but(3, 3), undefined, 'more failures on treatment than in all');
  t.equal(but(numbers.length - 1, 8), undefined, 'more arrivals on treatment than in all');
});
