import type { Store } from './store.ts';

/** Milliseconds; nothing but a message between two processes is in the way. */
export const sharedHere = { every: 50, lead: 250 };

/** Ticks of a series that are kept: those of two hours, where a tick is a second. */
const mostTicks = 7200;

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
    // They come in their order, and nobody looks back further.
    for (const at of ticks.keys())
      if (ticks.size > mostTicks) ticks.delete(at);
      else break;
    return ticks;
  }

  return (name) => ({
    ...store,
    shared: {
      ...sharedHere,
      count: async (seen) => seen.map(({ flag, stage, requests }) => counted(name, flag, stage, requests)),
      async add({ series, tick, numbers, keptFor }, from, to) {
        const ticks = added(series, tick, numbers, keptFor);
        const found = new Map<number, number[]>();
        for (let at = from; at <= to; at += 1) {
          const sums = ticks.get(at);
          if (sums !== undefined) found.set(at, sums);
        }
        return found;
      },
    },
  });
}
