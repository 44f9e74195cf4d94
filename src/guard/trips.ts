import { UserError } from '../config/errors.ts';
import { keptText } from '../store/store.ts';
import { turns } from '../store/turns.ts';
import type { Regression } from '../telemetry/regression.ts';
import { cleared, same } from './trip.ts';
import { createTripUpkeep, type TripParts, type Watched } from './trip-upkeep.ts';
import type { Cleared } from './view.ts';

/** The end of a clearing, without the guard; see `Cleared`. */
type TripCleared = { ok: true } | Extract<Cleared, { ok: false }>;

/** What guards have found, until a person clears it: in force here, kept where it outlives the proxy, shared with others. */
export type Trips = {
  /** The trip in force. Costs a look into a Map. */
  tripped(flag: string): Regression | undefined;
  /** Since when versions are compared, in milliseconds since 1970 by the store's clock. */
  watchedFrom(flag: string): number;
  /** In force before it returns, and stored as soon as can be. Only the first counts until it is cleared. */
  trip(regression: Regression): void;
  /** `refused`: there is nothing to clear. `away`: the state cannot be written now, and nothing has changed. */
  clear(flag: string, why: string): Promise<TripCleared>;
  /** Whether a flag's trip is, or would be, kept where it outlives the proxy; `detail` says where, and what is in the way. */
  saved(flag: string): { saved: boolean; detail: string };
  /** One sentence for readiness, and whether trips can be read and written. */
  state(): { healthy: boolean; detail: string };
  /** Tries once more to store what is not. */
  close(): Promise<void>;
};

/** Milliseconds after which a store in trouble is tried again, when no other proxy makes us look anyway. */
const retry = 1000;

/**
 * Takes up the trips that the store has. Rejects with a UserError for what its owner must mend first. A shared store that is
 * away is no error: nothing is tripped until it answers.
 */
export async function openTrips(parts: TripParts): Promise<Trips> {
  const { flags, store, clock, hex } = parts;
  const opened = Math.round(clock.now());
  const all = flags.map(unknown);
  const known = new Map(all.map((one) => [one.flag, one]));
  const upkeep = createTripUpkeep(parts, all);
  const { inForce, tell, wrong, wrongs } = upkeep;
  const wrongText = () =>
    wrongs()
      .map(({ message }) => message)
      .join('; ');
  const waits = () => all.some(({ waiting }) => waiting !== undefined);
  let closed = false;
  // Rollouts that are run here keep theirs.
  const nothingToKeep = all.length === 0;

  const look = async () => {
    await upkeep.look();
    tell();
  };

  /** One at a time: looks and clearings all read, think and write. */
  const { inTurn: next, over } = turns();
  const inTurn = <T>(task: () => Promise<T>): Promise<T> => next(() => task().finally(arm));

  let cancel: (() => void) | undefined;
  function arm(): void {
    cancel?.();
    const again = wrongs().length > 0 || waits() ? retry : undefined;
    const time = closed || nothingToKeep ? undefined : (store.shared?.every ?? again);
    cancel = time === undefined ? undefined : clock.after(time, () => void nextLook());
  }

  /** A look that has not begun yet serves everybody who wants one. */
  let queued: Promise<void> | undefined;
  const nextLook = (): Promise<void> =>
    (queued ??= inTurn(async () => {
      queued = undefined;
      if (!closed) await look();
    }));

  const hearNoMore = nothingToKeep ? undefined : store.shared?.onChange?.(() => void nextLook());

  async function clear(one: Watched, why: string): Promise<TripCleared> {
    if (closed) return away(one, 'the proxy stops');
    if (store.shared === undefined && !inForce.has(one.flag)) return nothingToClear(one);
    await look();
    if (wrong(one) !== undefined || one.waiting !== undefined) return away(one);
    if (one.state === undefined || one.state.trip === null) return nothingToClear(one);
    const next = cleared(one.state, why, store.now(), hex(8));
    const failed = await upkeep.change(one, next).then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (!same(one.state, next)) await look();
    // The answer may have been lost on its way.
    if (same(one.state, next)) return { ok: true };
    if (failed !== undefined) return away(one, failed);
    const detail = `others changed the trip of ${one.flag} at this moment; look at it, and try again`;
    return { ok: false, why: 'refused', detail };
  }

  const away = (
    one: Watched,
    why = wrong(one)?.message ?? 'it is not stored yet; try again',
  ): TripCleared => ({
    ok: false,
    why: 'away',
    detail: `the trip of ${one.flag} cannot be cleared now, since the state would bring it back: ${why}`,
  });

  if (!nothingToKeep) await upkeep.look();
  const [atStart] = wrongs();
  if (atStart !== undefined && (atStart.kind !== 'away' || store.shared === undefined))
    throw new UserError(wrongText());
  tell();
  arm();

  return {
    tripped: (flag) => inForce.get(flag),
    watchedFrom: (flag) => known.get(flag)?.state?.watchedFrom ?? opened,
    trip(regression) {
      const one = known.get(regression.flag);
      if (one === undefined || inForce.has(one.flag)) return;
      upkeep.hold(one, regression);
      void nextLook();
    },
    async clear(flag, why) {
      const one = known.get(flag);
      if (one !== undefined) return inTurn(() => clear(one, why));
      const detail = `there is no guard of ${flag}; there are: ${flags.join(', ')}`;
      return { ok: false, why: 'unknown', detail };
    },
    saved(flag) {
      const one = known.get(flag);
      const where = one?.waiting === undefined ? keptText(store.kept) : 'in force on this proxy alone';
      const problem = wrong(one)?.message;
      return {
        saved: one?.waiting === undefined && store.kept !== 'memory',
        detail: problem === undefined ? where : `${where}; ${problem}`,
      };
    },
    state: () => ({
      healthy: wrongs().length === 0,
      detail:
        wrongText() || [...inForce.keys()].map((flag) => `${flag} tripped`).join(', ') || 'nothing tripped',
    }),
    async close() {
      closed = true;
      hearNoMore?.();
      cancel?.();
      await over();
      if (waits()) await look();
    },
  };
}

const unknown = (flag: string): Watched => ({
  flag,
  state: undefined,
  waiting: undefined,
  missingSince: undefined,
  fault: undefined,
});

const nothingToClear = ({ flag }: Watched): TripCleared => ({
  ok: false,
  why: 'refused',
  detail: `there is no trip of ${flag} to clear`,
});
