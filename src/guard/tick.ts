import type { Exposure } from './evidence.ts';
import type { Quantiles } from './latencies.ts';

/** The thresholds of slowness: control's trailing quantiles. */
export const thresholds = ['p50', 'p90', 'p99'] as const satisfies (keyof Quantiles)[];

/** What one second brought, on one route. `units` are users, or requests. */
export type Tick = {
  /** Units at risk of their first failure in this epoch, and first failures. */
  errors: Exposure;
  /** For each threshold, units at risk of their first slow answer in this epoch, and first slow answers. */
  latency: Exposure[];
  /** Units new to a version in this epoch. */
  units: { control: number; treatment: number };
  /** Units new in this epoch, and those of them on treatment. */
  arrivals: { all: number; treatment: number };
};

const nothing = (): Exposure => ({ n0: 0, n1: 0, m: 0, x: 0 });

export const emptyTick = (): Tick => ({
  errors: nothing(),
  latency: thresholds.map(nothing),
  units: { control: 0, treatment: 0 },
  arrivals: { all: 0, treatment: 0 },
});

const numbersOfExposure = ({ n0, n1, m, x }: Exposure) => [n0, n1, m, x];

/** A tick as numbers, which several proxies add up. */
export const numbersOf = ({ errors, latency, units, arrivals }: Tick): number[] => [
  ...[errors, ...latency].flatMap(numbersOfExposure),
  units.control,
  units.treatment,
  arrivals.all,
  arrivals.treatment,
];

/** The tick that was told in numbers; undefined when they are none of ours: one such would poison a whole epoch. */
export function tickOf(numbers: readonly number[]): Tick | undefined {
  const exposures = 1 + thresholds.length;
  if (numbers.length !== 4 * exposures + 4 || !numbers.every(isCount)) return undefined;
  const at = (index: number) => numbers[index] ?? 0;
  const exposure = (index: number): Exposure => ({
    n0: at(4 * index),
    n1: at(4 * index + 1),
    m: at(4 * index + 2),
    x: at(4 * index + 3),
  });
  const rest = 4 * exposures;
  const tick: Tick = {
    errors: exposure(0),
    latency: thresholds.map((_, index) => exposure(index + 1)),
    units: { control: at(rest), treatment: at(rest + 1) },
    arrivals: { all: at(rest + 2), treatment: at(rest + 3) },
  };
  const { all, treatment } = tick.arrivals;
  return [tick.errors, ...tick.latency].every(whole) && treatment <= all ? tick : undefined;
}

const whole = ({ m, x }: Exposure): boolean => x <= m;

const isCount = (number: number): boolean => Number.isSafeInteger(number) && number >= 0;
