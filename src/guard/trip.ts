import { z } from 'zod';
import { stampOf, type Kind } from '../store/store.ts';
import { inWords, moment, regression, type Regression } from '../telemetry/regression.ts';

/**
 * What is known of the guard of one flag, as a store keeps it: since when versions are compared, and what was found.
 * Moments are milliseconds since 1970 by the store's clock.
 */

/** Changes that a history keeps. */
const remembered = 50;

const change = z.strictObject({
  at: moment,
  who: z.enum(['guard', 'person']),
  verb: z.enum(['trip', 'clear', 'begin']),
  why: z.string().max(500),
});

export const tripState = z
  .strictObject({
    flag: z.string().min(1).max(256),
    /** Grows by one with each change. */
    revision: z.int().min(1),
    /** Of this very change: two proxies that make the same revision apart are told apart. */
    nonce: z.string().regex(/^[0-9a-f]{8}$/),
    /** When comparing began: at the first start, or with the last clearing. */
    watchedFrom: moment,
    trip: regression.nullable(),
    /** Oldest first; what has been done last is always there. */
    history: z.array(change).min(1).max(remembered),
  })
  .refine(({ flag, trip }) => trip === null || trip.flag === flag);

export type TripState = z.output<typeof tripState>;
type Change = z.output<typeof change>;

export const tripKind: Kind<TripState> = { name: 'trip', schema: tripState };

/**
 * A trip that may have to be told to the store. `knew`: the revision that was known when it was made, 0 for none; what was
 * cleared by then is no word on this trip.
 */
export type Trip = { regression: Regression; at: number; knew: number };

/** The first record of a flag. */
export function begun(flag: string, at: number, nonce: string): TripState {
  const from = Math.max(0, Math.round(at));
  const history = [{ at: from, who: 'guard' as const, verb: 'begin' as const, why: 'a new guard' }];
  return { flag, revision: 1, nonce, watchedFrom: from, trip: null, history };
}

/** The record after a person's clearing: comparing begins anew. */
export function cleared(state: TripState, why: string, at: number, nonce: string): TripState {
  const part = { trip: null, watchedFrom: Math.max(0, Math.round(at)) };
  return recorded(state, part, { at, who: 'person', verb: 'clear', why }, nonce);
}

/**
 * The record with a trip; as it is when there is one already, since the first counts, or when a person has cleared the flag at
 * or after its moment.
 */
export function tripped(state: TripState, { regression, at, knew }: Trip, nonce: string): TripState {
  const last = state.history.at(-1);
  const clearedSince = last?.verb === 'clear' && state.revision > knew && last.at >= Math.floor(at);
  if (state.trip !== null || clearedSince) return state;
  const line = { at, who: 'guard', verb: 'trip', why: inWords(regression) } as const;
  return recorded(state, { trip: regression }, line, nonce);
}

/**
 * What is to be known and kept, of what is known here, what the store has, and a trip that the store was not told of. The later
 * revision counts, with a trip that only the other one knows, unless that was cleared. `nonce` is for a change.
 */
export function agreed(
  here: TripState | undefined,
  there: TripState | undefined,
  waiting: Trip | undefined,
  nonce: () => string,
): TripState | undefined {
  const mine = here !== undefined && (there === undefined || !outranks(there, here));
  const [upper, lower] = mine ? [here, there] : [there, here];
  if (upper === undefined) return undefined;
  const trips = [lower === undefined ? undefined : tripOf(lower), waiting];
  return trips.reduce<TripState>(
    (state, trip) => (trip === undefined ? state : tripped(state, trip, nonce())),
    upper,
  );
}

/** Whether `a` is the record to keep: the later revision; of two made apart a trip, or that of the older beginning. */
export function outranks(a: TripState, b: TripState): boolean {
  if (a.revision !== b.revision) return a.revision > b.revision;
  if ((a.trip === null) !== (b.trip === null)) return a.trip !== null;
  if (a.watchedFrom !== b.watchedFrom) return a.watchedFrom < b.watchedFrom;
  return a.nonce > b.nonce;
}

export const same = (a: TripState | undefined, b: TripState | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && stampOf(a) === stampOf(b));

function tripOf({ trip, history, revision }: TripState): Trip | undefined {
  if (trip === null) return undefined;
  return { regression: trip, at: history.at(-1)?.at ?? 0, knew: revision };
}

/** A new revision with its line in the history, whose moments never go back, whatever the clocks do. */
function recorded(state: TripState, part: Partial<TripState>, line: Change, nonce: string): TripState {
  const at = Math.max(Math.round(line.at), state.history.at(-1)?.at ?? 0);
  const history = [...state.history, { ...line, at, why: line.why.slice(0, 500) }].slice(-remembered);
  return { ...state, ...part, revision: state.revision + 1, nonce, history };
}
