import type { GuardConfig } from '../config/guard-schema.ts';
import type { RolloutConfig } from '../config/rollout-schema.ts';
import { beginning, courseOf, lookInto, worldOf } from '../guard/forecast.ts';
import { seeded } from '../guard/simulate.ts';

/** Plenty: a schedule that shows nothing at this rate shows nothing at any. */
const rps = 1000;
/** Seconds that are looked at. A v1 that is down is seen in some of them, or hardly ever. */
const most = 7200;
const runs = 8;

/** Whether even a v1 that is down would mostly get through all stages before the guard acts. Takes 0.1 s at the most. */
export function isBlind(rollout: RolloutConfig, guard: GuardConfig): boolean {
  if (guard.onRegression === 'off') return false;
  const { stages, held } = courseOf(rollout, rps);
  if (held !== undefined) return false;
  const served = { rates: { control: 0.005, treatment: 1 } };
  const world = worldOf(beginning(stages, most), { rps, users: undefined }, served);
  const { seconds } = lookInto(
    world,
    guard,
    seeded(1),
    (outlook) => outlook.runs >= runs || outlook.seconds.length >= runs / 2,
  );
  return seconds.length < runs / 2;
}
