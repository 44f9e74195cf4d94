import type { Split } from '../flags/split.ts';
import { inForce, raiseAt, type Known } from './known.ts';

/** What a rollout acts on. */
export type Served = {
  /** Divides a flag from now on. Throws when the flag cannot be divided so. */
  split: (flag: string, split: Split) => void;
  /** Told when everybody was taken back to control. */
  onReverted: (known: Known) => void;
};

/**
 * Puts in force what is in force at this moment. Never throws: it is called on the way of requests. Returns when the next raise is due; Infinity
 * when none is to come.
 */
export function serve(all: Iterable<Known>, now: number, { split, onReverted }: Served): number {
  let due = Infinity;
  for (const known of all) {
    const { flag, state, config } = known;
    if (state !== undefined && state.effectiveAt <= now) known.reached = state.effectiveAt;
    due = Math.min(due, raiseAt(known, now) ?? Infinity);
    const { contextKind, from, to } = state ?? config;
    const salt = state?.salt ?? config.salt ?? known.salt ?? flag;
    const percent = inForce(known, now);
    const wanted: Split = { contextKind, salt, from, to, percent };
    const before = known.served;
    if (JSON.stringify(wanted) === JSON.stringify(before)) continue;
    try {
      split(flag, wanted);
      delete known.faults.flag;
    } catch (error) {
      // Another proxy's configuration may speak of versions that are not known here.
      known.faults.flag = error instanceof Error ? error.message : String(error);
      continue;
    }
    known.served = wanted;
    if (percent === 0 && before !== undefined && before.percent > 0) onReverted(known);
  }
  return due;
}
