import t from 'tap';
import { memoryStore } from '../../src/store/memory-store.ts';
import type { Shared, Store } from '../../src/store/store.ts';
import { manualClock, second } from '../support/clock.ts';
import { startWatched } from '../support/watched.ts';

/*
 * A shared store takes its time to add up what all proxies saw. A person who says to go on meanwhile must not find
 * v1 taken back a moment later, by what was seen before.
 */

await t.test('what was weighed while a person said to go on is acted on no more', async (t) => {
  const clock = manualClock();
  let answers: (() => void) | undefined;
  let waits = false;
  const told = new Map<number, number[]>();
  const add: Shared['add'] = async ({ tick, numbers }, from, to) => {
    if (waits) await new Promise<void>((resolve) => (answers = resolve));
    told.set(tick, [...numbers]);
    return new Map([...told].filter(([at]) => at >= from && at <= to));
  };
  const store: Store = {
    ...memoryStore(clock),
    shared: { every: 250, lead: 0, mayReturn: 0, count: async () => [], add },
  };
  const { guard, saw, found } = await startWatched(t, { clock, store });

  const ask = (failed: boolean) => {
    for (let user = 0; user < 60; user += 1) {
      saw(`a-${clock.now()}-${user}`, '0');
      saw(`b-${clock.now()}-${user}`, '1', { failed });
    }
  };
  ask(true);
  await clock.pass(second);
  waits = true;
  ask(true);
  await clock.pass(second);
  await guard.clear('facts', 'v1 is mended');
  answers?.();
  waits = false;
  await clock.pass(100);
  t.equal(found(), undefined, 'it was the v1 of before');

  for (let i = 0; i < 5; i += 1) {
    ask(false);
    await clock.pass(second);
  }
  t.equal(found(), undefined, 'and the one of now is well');
  for (let i = 0; i < 3; i += 1) {
    ask(true);
    await clock.pass(second);
  }
  t.match(found(), { signal: 'errors' }, 'until it is not');
});
