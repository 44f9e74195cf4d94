import type { Clock } from '../../src/clock.ts';

export type ManualClock = Clock & {
  /** Lets this much time pass. Whatever falls due runs at its own moment, and what it awaits in memory comes to its end. */
  pass(milliseconds: number): Promise<void>;
  /** Sets the clock wrong by this much, as a correction of the system's clock does. */
  jump(milliseconds: number): void;
};

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

const settled = async () => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** A clock that goes when told to. */
export function manualClock(start = Date.UTC(2026, 0, 1)): ManualClock {
  let passed = 0;
  let offset = start;
  const tasks = new Set<{ at: number; task: () => void }>();
  return {
    now: () => offset + passed,
    after(milliseconds, task) {
      const entry = { at: passed + milliseconds, task };
      tasks.add(entry);
      return () => tasks.delete(entry);
    },
    async pass(milliseconds) {
      const end = passed + milliseconds;
      for (;;) {
        await settled();
        const [next] = [...tasks].toSorted((a, b) => a.at - b.at);
        if (next === undefined || next.at > end) break;
        tasks.delete(next);
        passed = Math.max(passed, next.at);
        next.task();
      }
      passed = end;
    },
    jump: (milliseconds) => void (offset += milliseconds),
  };
}
