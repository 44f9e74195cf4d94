import type { Store } from './store.ts';

/** Milliseconds; nothing but a message between two processes is in the way. */
export const sharedHere = { every: 50, lead: 250 };

/**
 * A store that one process keeps for several of the same machine: what they count and add up is kept in its memory. Gives the
 * store as one of them has it, by its name.
 */
export function shareHere(store: Store): (name: string) => Store {
  const counts = new Map<string, { stage: number; by: Map<string, number> }>();
  const series = new Map<string, { ticks: Map<number, number[]>; until: number }>();

  function counted(name: string, flag: string, stage: number, requests: number): number {
    let known = counts.get(flag);
    if (known === undefined || known.stage < stage) counts.set(flag, (known = { stage, by: new Map() }));
    if (known.stage > stage) return requests;
    known.by.set(name, requests);
    return [...known.by.values()].reduce((sum, one) => sum + one, 0);
  }

  function added(name: string, tick: number, numbers: readonly number[], keptFor: number) {
    const now = store.now();
    for (const [other, { until }] of series) if (until < now) series.delete(other);
    const { ticks } = series.get(name) ?? { ticks: new Map<number, number[]>() };
    series.set(name, { ticks, until: now + keptFor });
    const before = ticks.get(tick) ?? [];
    ticks.set(
      tick,
      numbers.map((number, index) => number + (before[index] ?? 0)),
    );
    return ticks;
  }

  return (name) => ({
    ...store,
    shared: {
      ...sharedHere,
      count: async (seen) => seen.map(({ flag, stage, requests }) => counted(name, flag, stage, requests)),
      async add({ series, tick, numbers, keptFor }, from, to) {
        const ticks = added(series, tick, numbers, keptFor);
        return new Map([...ticks].filter(([at]) => at >= from && at <= to));
      },
    },
  });
}
