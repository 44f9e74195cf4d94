import type { Clock } from './clock.ts';
import { stampOf, type RolloutState } from './state.ts';
import type { Store } from './store.ts';

/** Forgets everything with the process. */
export function memoryStore(clock: Clock): Store {
  const states = new Map<string, RolloutState>();
  return {
    kept: 'memory',
    read: async (stamps) => changedIn(states, stamps),
    async write(state, expected) {
      if (stampIn(states, state.flag) !== expected) return false;
      states.set(state.flag, state);
      return true;
    },
    now: () => clock.now(),
    shared: undefined,
    close: async () => {},
  };
}

/** The stamp of a flag's state, '' when there is none. */
export const stampIn = (states: ReadonlyMap<string, RolloutState>, flag: string): string => {
  const state = states.get(flag);
  return state === undefined ? '' : stampOf(state);
};

/** The answer to a `read`. */
export function changedIn(
  states: ReadonlyMap<string, RolloutState>,
  stamps: ReadonlyMap<string, string>,
): Map<string, RolloutState | null> {
  const changed = new Map<string, RolloutState | null>();
  for (const [flag, stamp] of stamps) {
    const state = states.get(flag);
    if (state === undefined) changed.set(flag, null);
    else if (stampOf(state) !== stamp) changed.set(flag, state);
  }
  return changed;
}
