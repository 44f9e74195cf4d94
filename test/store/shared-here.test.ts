import t from 'tap';
import { memoryStore } from '../../src/store/memory-store.ts';
import { shareHere } from '../../src/store/shared-here.ts';
import { manualClock } from '../support/clock.ts';

await t.test('what processes of one machine count is added up', async (t) => {
  const share = shareHere(memoryStore(manualClock())).as;
  const count = async (name: string, stage: number, requests: number) =>
    (await share(name).shared?.count([{ flag: 'f', stage, requests }]))?.[0];
  t.equal(await count('1', 1, 10), 10);
  t.equal(await count('2', 1, 5), 15);
  t.equal(await count('1', 1, 12), 17, 'each says what it has come to');
  t.equal(await count('1', 2, 1), 1, 'a stage that follows begins with nothing');
  t.equal(await count('2', 1, 6), 6, 'and whoever is behind counts for nobody');
  t.equal(await count('2', 2, 2), 3);
});

await t.test('and so are the seconds of a series, until nobody asks any more', async (t) => {
  const clock = manualClock();
  const share = shareHere(memoryStore(clock)).as;
  const add = (name: string, tick: number, numbers: number[]) =>
    share(name).shared?.add({ series: 's', tick, numbers, keptFor: 1000 }, 1, 2);
  t.strictSame(await add('1', 1, [1, 2]), new Map([[1, [1, 2]]]));
  t.strictSame(await add('2', 1, [10, 20]), new Map([[1, [11, 22]]]));
  t.strictSame(
    await add('2', 3, [5]),
    new Map([[1, [11, 22]]]),
    'a second that was not asked for is not told',
  );
  clock.jump(2000);
  t.strictSame(await add('1', 2, [7]), new Map([[2, [7]]]));
});

await t.test('of a series that goes on for days, the last two hours are kept', async (t) => {
  const share = shareHere(memoryStore(manualClock()));
  const add = (tick: number, from: number) =>
    share.as('1').shared?.add({ series: 's', tick, numbers: [1], keptFor: 1e9 }, from, tick);
  for (let second = 1; second < 10_000; second += 1) await add(second, second);
  t.equal((await add(10_000, 1))?.size, 7200);
  t.equal((await add(10_001, 10_001 - 3600))?.size, 3601, 'which is more than anybody looks back');
});
