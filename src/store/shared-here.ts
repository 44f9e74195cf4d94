import type { Store } from './store.ts';

/** Milliseconds. All are told of a change; the looks are for what a message may miss. */
export const sharedHere = { every: 500, lead: 250, mayReturn: 0 };

/** Ticks of a series that are kept: those of two hours, where a tick is a second. */
const mostTicks = 7200;

/**
 * A store that one process keeps for several of the same machine: what they count and add up is kept in its memory.
 */
export function shareHere(store: Store): SharedHere {
  const listeners = new Set<() => void>();
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

  const onChange = (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };

  const as = (name: string): Store => ({
    ...store,
    async write(...args) {
      const written = await store.write(...args);
      if (written) for (const listener of listeners) listener();
      return written;
    },
    shared: {
      ...sharedHere,
      onChange,
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
  return { as, onChange };
}

/** `as` gives the store as one of those who share it has it, by its name. */
export type SharedHere = {
  as: (name: string) => Store;
  onChange: (listener: () => void) => () => void;
};
