import type { GuardConfig } from '../config/guard-schema.ts';
import { beginning, lookInto, worldOf, type Course, type Outlook, type Served } from '../guard/forecast.ts';
import { seeded } from '../guard/simulate.ts';

/** What v1 could be like, and how the guard would take it. */
export type Prospect = {
  /** Its rate of failure, or how many times as long it takes as v0. */
  value: number;
  /** Runs of the simulation, and the share in which the guard acted. */
  runs: number;
  chance: number;
  /** Seconds until it did, half of the time, and the requests that v1 has failed by then. */
  medianSeconds?: number;
  failedByThen?: number;
  /** What was simulated of the schedule, where all of it would take too long. */
  simulatedSeconds?: number;
};

/** A rollout on one route. `--json` prints these. Rates are shares of 1. */
export type Plan = {
  flag: string;
  route: string;
  stages: { percent: number; forMs: number }[];
  rps: number;
  errorRate: number;
  users: number | 'new';
  guard: GuardConfig['onRegression'];
  /** From the mildest on; the last is a v1 that is down. Empty where the guard is off. */
  errors: Prospect[];
  latency?: { ms: number; slower: Prospect[] };
  /** The stage, from 0, that is never passed at this rate of requests. */
  held?: number;
};

export type Crowd = { rps: number; users: number | undefined };

/** Runs of one simulation at the most. */
const most = 300;
/** Microseconds of one run at the most, about. */
const longest = 4e5;

/**
 * Simulates one v1. Work is counted, in microseconds or so, and not timed, so that the same seed says the same everywhere.
 * `spent` is hardly ever more than `budget`.
 */
export function prospectOf(
  { value, served }: { value: number; served: Served },
  stages: Course['stages'],
  crowd: Crowd,
  guard: GuardConfig,
  { seed, budget }: { seed: number; budget: number },
): { prospect: Prospect; spent: number } {
  const { rps, users } = crowd;
  const bySecond = users === undefined && served.latency === undefined;
  const perSecond = bySecond ? 1 + (rps * served.rates.control) / 20 : 3 + rps;
  const perRun = bySecond ? 10 : 1000 + 0.3 * (users ?? 0);
  const whole = secondsOf(stages);
  const kept = beginning(stages, Math.max(1, longest / perSecond));
  const simulated = secondsOf(kept);
  const spent = ({ runs, seconds }: Outlook) =>
    perRun * runs + perSecond * (sum(seconds) + (runs - seconds.length) * simulated);
  const enough = (outlook: Outlook) =>
    outlook.runs >= most || spent(outlook) * (1 + 1 / outlook.runs) > budget;
  const outlook = lookInto(worldOf(kept, crowd, served), guard, seeded(seed), enough);
  const { runs, seconds } = outlook;
  const median = seconds[Math.floor(seconds.length / 2)];
  return {
    spent: spent(outlook),
    prospect: {
      value,
      runs,
      chance: seconds.length / runs,
      ...(median !== undefined && {
        medianSeconds: median,
        failedByThen: Math.round(rps * served.rates.treatment * shareSeconds(stages, median)),
      }),
      ...(simulated < whole && { simulatedSeconds: simulated }),
    },
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
const secondsOf = (stages: Course['stages']): number => sum(stages.map(({ seconds }) => seconds));

/** Seconds, each counted as much as the share that was on treatment in it. */
const shareSeconds = (stages: Course['stages'], seconds: number): number =>
  sum(beginning(stages, seconds).map((stage) => (stage.seconds * stage.percent) / 100));
