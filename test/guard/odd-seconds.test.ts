import t from 'tap';
import { seeded } from '../../src/guard/simulate.ts';
import { memoryStore } from '../../src/store/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import { manualClock, minute, second, type ManualClock } from '../support/clock.ts';
import { startWatched } from '../support/watched.ts';

const refused = { error: { code: 'connect_refused', source: 'upstream' } } as const;

await t.test('after a clearing, v1 has five connections again before it counts as away', async (t) => {
  const { guard, clock, saw, found } = await startWatched(t);
  for (let i = 0; i < 5; i += 1) saw(`user-${i}`, '1', refused);
  await clock.pass(second);
  saw('alice', '0');
  t.match(found(), { signal: 'connect', treatment: { events: 5 } });

  await guard.clear('facts', 'v1 was started');
  await clock.pass(2 * second);
  saw('bob', '1', refused);
  t.equal(found(), undefined, 'one failure is one');
  for (let i = 0; i < 4; i += 1) saw(`user-${i}`, '1', refused);
  await clock.pass(second);
  saw('alice', '0');
  t.match(found(), { signal: 'connect', treatment: { events: 5 } });
});

/** Seconds until v1, ten times as slow as v0, is found out, beside one user of v0 who asks sixty times a second. */
async function untilFound(t: Parameters<typeof startWatched>[0], eagerMs: number): Promise<number> {
  const { clock, saw, found } = await startWatched(t);
  const random = seeded(3);
  let seconds = 0;
  for (; seconds < 60 && found() === undefined; seconds += 1) {
    for (let i = 0; i < 60; i += 1) saw('eager', '0', { headMs: eagerMs });
    for (let i = 0; i < 50; i += 1) {
      const v1 = random() < 0.5;
      saw(`user-${seconds}-${i}`, v1 ? '1' : '0', { headMs: (v1 ? 1000 : 100) * (0.5 + random()) });
    }
    await clock.pass(second);
  }
  return seconds;
}

await t.test(
  'one eager user, whose uploads take half a minute, does not say what is slow for all',
  async (t) => {
    t.ok((await untilFound(t, 30_000)) < 30);
  },
);

await t.test('nor does one whose answers take no time', async (t) => {
  t.ok((await untilFound(t, 1)) < 30);
});

/** As if others shared it: the numbers of one proxy are all there are. `offset` puts its clock wrong. */
function sharedStore(clock: ManualClock): Store & { offset: number } {
  const series = new Map<string, Map<number, readonly number[]>>();
  const store: Store & { offset: number } = {
    ...memoryStore(clock),
    offset: 0,
    now: () => clock.now() + store.offset,
    shared: {
      every: 250,
      lead: second,
      mayReturn: second,
      count: async () => [],
      async add({ series: name, tick, numbers }, from, to) {
        const ticks = series.get(name) ?? new Map<number, readonly number[]>();
        series.set(name, ticks);
        const before = ticks.get(tick);
        ticks.set(
          tick,
          numbers.map((number, index) => number + (before?.[index] ?? 0)),
        );
        return new Map(
          [...ticks].filter(([at]) => at >= from && at <= to).map(([at, all]) => [at, [...all]]),
        );
      },
    },
  };
  return store;
}

await t.test(
  'a proxy without traffic catches up, and does not hold old seconds against a new share',
  async (t) => {
    const clock = manualClock();
    const store = sharedStore(clock);
    const random = seeded(7);
    let percent = 5;
    const scheduled = () => ({ percent, contextKind: 'user' });
    const busy = await startWatched(t, { clock, store, scheduled });
    const quiet = await startWatched(t, { clock, store, scheduled });
    for (let seconds = 0; seconds < 150; seconds += 1) {
      if (seconds === 80) percent = 50;
      for (let i = 0; i < 100; i += 1) busy.saw(`user-${seconds}-${i}`, random() * 100 < percent ? '1' : '0');
      if (seconds % 50 === 49) quiet.saw(`other-${seconds}`, '0');
      await clock.pass(second);
    }
    t.same(quiet.log.said(/do not divide/), []);
    t.same(busy.log.said(/do not divide/), []);
  },
);

await t.test('a store whose clock is put back does not blind the guard until it has caught up', async (t) => {
  const clock = manualClock();
  const store = sharedStore(clock);
  const random = seeded(7);
  const { saw, found } = await startWatched(t, { clock, store });
  for (let seconds = 0; seconds < 330; seconds += 1) {
    if (seconds === 300) store.offset = -4 * minute;
    for (let i = 0; i < 50; i += 1) {
      const v1 = random() < 0.5;
      saw(`user-${seconds}-${i}`, v1 ? '1' : '0', {
        failed: random() < (v1 && seconds >= 300 ? 0.5 : 0.005),
      });
    }
    await clock.pass(second);
  }
  t.match(found(), { signal: 'errors' });
});

await t.test('a fault of ours costs a second, is said once, and ends with its cause', async (t) => {
  let broken = false;
  const { clock, log, saw, found } = await startWatched(t, {
    scheduled() {
      if (broken) throw new TypeError('a flag that nobody foresaw');
      return { percent: 50, contextKind: 'user' };
    },
  });
  broken = true;
  await clock.pass(5 * second);
  t.equal(log.said(/cannot be watched/).length, 1);
  broken = false;
  for (let seconds = 0; seconds < 20 && found() === undefined; seconds += 1) {
    for (let i = 0; i < 20; i += 1) saw(`user-${seconds}-${i}`, String(i % 2), { failed: i % 2 === 1 });
    await clock.pass(second);
  }
  t.match(found(), { signal: 'errors' });
});
