import type { Test } from 'tap';

/** What a fault is run with. */
export type Trial = Pick<Test, 'teardown'> & {
  /** How long it lasts. */
  seconds: number;
  seed: number;
  /** Requests a second, where there is a steady client. */
  rate: number;
  /** A line for whoever looks on. */
  tell(what: string): void;
  /** Whether its time is up, or somebody has had enough. */
  isOver(): boolean;
};

/** A fault that takes too long for the suite. Gives what was seen, in a few words; throws what must not have been. */
export type Fault = { name: string; run(trial: Trial): Promise<string> };

export function must(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}
