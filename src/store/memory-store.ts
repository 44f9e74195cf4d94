import type { Clock } from '../clock.ts';
import { stampOf, type Stamped, type Store } from './store.ts';

/** Forgets everything with the process. */
export function memoryStore(clock: Clock): Store {
  const kinds = new Map<string, Map<string, Stamped>>();
  const recordsOf = (name: string) => {
    const records = kinds.get(name) ?? new Map<string, Stamped>();
    kinds.set(name, records);
    return records;
  };
  return {
    kept: 'memory',
    // What is written is of its kind.
    read: async <S extends Stamped>({ name }: { name: string }, stamps: ReadonlyMap<string, string>) =>
      changedIn(recordsOf(name) as Map<string, S>, stamps),
    async write({ name }, record, expected) {
      if (stampIn(recordsOf(name), record.flag) !== expected) return false;
      recordsOf(name).set(record.flag, record);
      return true;
    },
    now: () => clock.now(),
    shared: undefined,
    close: async () => {},
  };
}

/** The stamp of a flag's record, '' when there is none. */
export const stampIn = (records: ReadonlyMap<string, Stamped>, flag: string): string => {
  const record = records.get(flag);
  return record === undefined ? '' : stampOf(record);
};

/** The answer to a `read`. */
export function changedIn<S extends Stamped>(
  records: ReadonlyMap<string, S>,
  stamps: ReadonlyMap<string, string>,
): Map<string, S | null> {
  const changed = new Map<string, S | null>();
  for (const [flag, stamp] of stamps) {
    const record = records.get(flag);
    if (record === undefined) changed.set(flag, null);
    else if (stampOf(record) !== stamp) changed.set(flag, record);
  }
  return changed;
}
