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

/** The usual schedule: a quarter for a minute, half for another. */
export const twoMinutes = [
  { percent: 25, seconds: 60 },
  { percent: 50, seconds: 60 },
];

export const usual: GuardConfig = guard.parse({});

/** Answers around this time, log-normal with a standard deviation of 0.4, so many times as long on treatment. */
export const answering =
  (ms: number, times: number, extra = 0) =>
  ({ onTreatment }: Asked, random: Random): number =>
    ms * Math.exp(0.4 * normal(random)) * (onTreatment ? times : 1) + (onTreatment ? extra : 0);

export type Result = {
  /** Share of the runs in which the guard acted. */
  fired: number;
  /** Seconds until it did: the median, and what 95 of 100 stay below. */
  median: number | undefined;
  late: number | undefined;
};

export function repeat(world: World, runs: number, seed: number, config: GuardConfig = usual): Result {
  const run = createSimulation(world, config, seeded(seed));
  const seconds = Array.from({ length: runs }, run)
    .filter((fired): fired is NonNullable<Fired> => fired !== undefined)
    .map(({ second }) => second)
    .toSorted((a, b) => a - b);
  const at = (share: number) => seconds[Math.floor(seconds.length * share)];
  return { fired: seconds.length / runs, median: at(0.5), late: at(0.95) };
}
