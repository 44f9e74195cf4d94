import type { Clock } from '../clock.ts';
import type { FlagLog } from '../flags/provider.ts';
import { stampOf, StoreError, type Store } from '../store/store.ts';
import { inWords, type Regression } from '../telemetry/regression.ts';
import { agreed, begun, same, tripKind, type Trip, type TripState } from './trip.ts';

export type TripParts = {
  /** Those that a guard watches. */
  flags: readonly string[];
  store: Store;
  clock: Clock;
  log: Pick<FlagLog, 'info' | 'warn' | 'error'>;
  /** Random hexadecimal digits, this many. */
  hex: (digits: number) => string;
  /**
   * A trip has come into force here, or has gone: told once, whoever made or cleared it, and at the start of what the store
   * has. One that takes the place of another is told by itself.
   */
  changed: (flag: string, trip: Regression | undefined) => void;
};

/** What this proxy knows of the trips of one flag. */
export type Watched = {
  flag: string;
  /** As the store has it, or had it. */
  state: TripState | undefined;
  /** A trip that the store was not told of; `at` by the proxy's own clock, which goes on steadily. */
  waiting: Trip | undefined;
  /** Since when the store has nothing, by its clock. */
  missingSince: number | undefined;
  /** Why this record alone is left as it is. What is in force stays. */
  fault: StoreError | undefined;
};

/** Keeps what is known of trips and what is stored the same. */
export type TripUpkeep = {
  inForce: ReadonlyMap<string, Regression>;
  /** Reads and reconciles. Never rejects: what is in the way is among `wrongs` until a look has gone well. */
  look: () => Promise<void>;
  /** What is wrong is said once, and so is its end. */
  tell: () => void;
  /** Takes a trip that is not stored yet. */
  hold: (one: Watched, regression: Regression) => void;
  /** Compares and sets; a record that was written is in force. Rejects with a StoreError. */
  change: (one: Watched, state: TripState) => Promise<boolean>;
  /** A moment of the proxy's clock by that of the store, as far as that is known by now. */
  byStore: (moment: number) => number;
  /** What is in the way: of all records, or of single ones. */
  wrongs: () => StoreError[];
  /** What is in the way of one record. */
  wrong: (one: Watched | undefined) => StoreError | undefined;
};

export function createTripUpkeep(
  { store, clock, log, hex, changed }: TripParts,
  all: readonly Watched[],
): TripUpkeep {
  const opened = clock.now();
  const inForce = new Map<string, Regression>();
  let trouble: StoreError | undefined;

  const byStore = (moment: number) => moment + store.now() - clock.now();

  /** Puts in force what is known; true when that is something else than before. */
  function settle({ flag, state, waiting }: Watched): boolean {
    const [before, now] = [inForce.get(flag), state?.trip ?? waiting?.regression];
    if (now === undefined) inForce.delete(flag);
    else inForce.set(flag, now);
    if (before?.id === now?.id) return false;
    changed(flag, now);
    return true;
  }

  /** `told`: the trip that had waited, and has its place in the record or was overruled. */
  function adopt(one: Watched, state: TripState, told: Trip | undefined): void {
    one.state = state;
    if (one.waiting === told) one.waiting = undefined;
    if (!settle(one)) return;
    const { flag } = one;
    const now = inForce.get(flag);
    const { who, why } = state.history.at(-1) ?? {};
    if (now === undefined) log.info({ flag, who, why }, 'a trip was cleared');
    else log.warn({ flag, id: now.id, why: inWords(now) }, 'a trip is taken up');
  }

  /** Of what is known, what is stored, and what waits, one record is made. `there` is undefined for nothing. */
  async function reconcile(one: Watched, there: TripState | undefined): Promise<void> {
    const { flag, waiting } = one;
    const trip = waiting && { ...waiting, at: byStore(waiting.at) };
    const base = there === undefined && mayBegin(one) ? begun(flag, byStore(opened), hex(8)) : there;
    const state = agreed(one.state, base, trip, () => hex(8));
    if (state === undefined) return;
    if (!tripKind.schema.safeParse(state).success)
      // It could not be read back, and would keep the next proxy from starting.
      one.fault = new StoreError('refused', `what was found of ${flag} is no record, and cannot be kept`);
    else if (same(state, there) || (await write(state, there))) adopt(one, state, waiting);
  }

  /** Others that know more than an empty store have time to bring it back; a trip is not lost to what they bring. */
  function mayBegin(one: Watched): boolean {
    if (one.state !== undefined) return false;
    if (store.shared === undefined || one.waiting !== undefined) return one.waiting !== undefined;
    one.missingSince ??= store.now();
    return store.now() >= one.missingSince + store.shared.mayReturn;
  }

  const write = (state: TripState, over: TripState | undefined): Promise<boolean> =>
    store.write(tripKind, state, over === undefined ? '' : stampOf(over));

  async function look(): Promise<void> {
    try {
      const found = await store.read(tripKind, new Map(all.map(stampIn)));
      for (const one of all) {
        const there = found.get(one.flag);
        one.fault = there instanceof StoreError ? there : undefined;
        if (there instanceof StoreError) continue;
        await reconcile(one, there === undefined ? one.state : (there ?? undefined));
      }
      trouble = undefined;
    } catch (error) {
      trouble = error instanceof StoreError ? error : new StoreError('away', String(error), error);
    }
  }

  const kinds = () => JSON.stringify([trouble?.kind, all.map(({ fault }) => fault !== undefined)]);
  const wrongs = () => (trouble === undefined ? all.flatMap(({ fault }) => fault ?? []) : [trouble]);

  let said = kinds();
  function tell(): void {
    if (kinds() === said) return;
    said = kinds();
    const now = wrongs().map(({ message }) => message);
    if (now.length === 0) log.info({}, 'the state of trips can be used again');
    else log.error({}, `trips stay as they are on this proxy: ${now.join('; ')}`);
  }

  return {
    inForce,
    look,
    tell,
    hold(one, regression) {
      one.waiting = { regression, at: clock.now(), knew: one.state?.revision ?? 0 };
      settle(one);
    },
    async change(one, state) {
      const written = await write(state, one.state);
      if (written) adopt(one, state, undefined);
      return written;
    },
    byStore,
    wrongs,
    wrong: (one) => trouble ?? one?.fault,
  };
}

const stampIn = ({ flag, state }: Watched): [string, string] => [
  flag,
  state === undefined ? '' : stampOf(state),
];
