import type { Store } from '../store/store.ts';
import { emptyTick, numbersOf, tickOf, type Tick } from './tick.ts';

/** Whose seconds are added up. */
export type Series = {
  /** The same on every proxy that counts the same. */
  name: string;
  /** The last second that was judged. */
  judged: number;
};

/** Seconds to judge, of all proxies that share a store. Seconds are counted since 1970 by the store's clock. */
export type Sums = {
  /** A round begins, in which each series is asked once. */
  begin(): void;
  /**
   * The seconds to judge once the one numbered `ended` is over here, in which `own` was seen, or nothing at all. With others,
   * each is judged a second late, when all have told of it.
   */
  after(series: Series, own: Tick | undefined, ended: number): Promise<Tick[]>;
};

/**
 * Who judges a second: whoever saw something in it; or, where several processes are one proxy, one of them all that any
 * saw, another for show, and the others nothing.
 */
export type Judging = 'what it saw' | 'for all' | 'for show' | 'nothing';

/** Seconds that a proxy which joins late looks back, and after which nobody asks any more. */
export const lookBack = 3600;

export function createSums({ shared }: Pick<Store, 'shared'>, judging: Judging): Sums {
  /** Whether the store failed in this round: to wait for it again with each series would take minutes. */
  let away = false;
  return {
    begin: () => void (away = false),
    async after(series, seen, ended) {
      if (shared === undefined) return [seen ?? emptyTick()];
      const own = seen ?? (judging === 'for all' || judging === 'for show' ? emptyTick() : undefined);
      if (own === undefined) return [];
      const [first, last] = [Math.max(series.judged + 1, ended - lookBack), ended - 1];
      // The store's clock was put back: what is told of these seconds was judged already.
      if (last < first - 1) return [own];
      const numbers = numbersOf(own);
      const told = { series: series.name, tick: ended, numbers, keptFor: 2000 * lookBack };
      const sums = away ? undefined : await shared.add(told, first, last).catch(() => undefined);
      away = sums === undefined;
      series.judged = sums === undefined ? ended : Math.max(series.judged, last);
      if (judging === 'nothing') return [];
      // Better to judge by what is seen here than not at all.
      if (sums === undefined) return [own];
      return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => {
        const found = sums.get(first + index);
        return (found && tickOf(found)) ?? emptyTick();
      });
    },
  };
}
