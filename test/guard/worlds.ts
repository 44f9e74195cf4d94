import { guard, type GuardConfig } from '../../src/config/guard-schema.ts';
import {
  createSimulation,
  normal,
  seeded,
  type Asked,
  type Fired,
  type Random,
  type World,
} from '../../src/guard/simulate.ts';
import type { FirstEvent, Window } from '../../src/guard/window.ts';

/** The usual schedule: a quarter for a minute, half for another. */
export const twoMinutes = [
  { percent: 25, seconds: 60 },
  { percent: 50, seconds: 60 },
];

/** Half of the users, for so long. */
export const half = (seconds: number) => [{ percent: 50, seconds }];

export const usual: GuardConfig = guard.parse({});

/** Answers around this time, log-normal with a standard deviation of 0.4, so many times as long on treatment. */
export const answering =
  (ms: number, times: number, extra = 0) =>
  ({ onTreatment }: Asked, random: Random): number =>
    ms * Math.exp(0.4 * normal(random)) * (onTreatment ? times : 1) + (onTreatment ? extra : 0);

/** The same for users who differ: each has a speed of their own, log-normal too, and their answers vary half as much. */
export function differing(users: number, ms: number, times: number, random: Random) {
  const speeds = Array.from({ length: users }, () => ms * Math.exp(0.4 * normal(random)));
  return ({ user, onTreatment }: Asked, random: Random): number =>
    (speeds[user] ?? ms) * Math.exp(0.2 * normal(random)) * (onTreatment ? times : 1);
}

/** Failures by chance, at these rates; until second `since` at control's on both. */
export const failing =
  (control: number, treatment: number, since = 0) =>
  ({ onTreatment, second }: Asked, random: Random): boolean =>
    random() < (onTreatment && second >= since ? treatment : control);

export const neverFails = () => false;

export type Result = {
  /** Runs, and those in which the guard acted. */
  runs: number;
  fired: number;
  /** Seconds until it did: the median, and what 95 of 100 stay below. */
  median: number;
  late: number;
};

/** Runs the guard through a world so many times, as it ships; `world` may have something drawn anew for each. */
export function repeat(
  world: World | ((random: Random) => World),
  runs: number,
  seed: number,
  config: GuardConfig = usual,
): Result {
  const random = seeded(seed);
  const one = () => createSimulation(typeof world === 'function' ? world(random) : world, config, random)();
  const seconds = Array.from({ length: runs }, one)
    .filter((fired): fired is NonNullable<Fired> => fired !== undefined)
    .map(({ second }) => second)
    .toSorted((a, b) => a - b);
  const at = (share: number) => seconds[Math.floor(seconds.length * share)] ?? Number.NaN;
  return { runs, fired: seconds.length, median: at(0.5), late: at(0.95) };
}

/** One request, from its beginning to its end. */
export function saw(window: Window, key: string, ...end: TakeFirst<Parameters<Window['ended']>>): FirstEvent {
  window.asked(key, end[0]);
  return window.ended(key, ...end);
}

type TakeFirst<T extends unknown[]> = T extends [unknown, ...infer Rest] ? Rest : never;
