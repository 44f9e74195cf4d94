import type { GuardConfig } from '../config/guard-schema.ts';
import { stageRequests, type RolloutConfig } from '../config/rollout-schema.ts';
import { createSimulation, normal, type Asked, type Random, type World } from './simulate.ts';

/** A schedule at a rate of requests, in whole seconds, as the guard would see it. */
export type Course = {
  stages: { percent: number; seconds: number }[];
  /** The stage at which it is held, which is too rarely asked of to be passed. */
  held: number | undefined;
};

/**
 * The stages as they would go: one that has seen too few requests on treatment at its end lasts until it has, and at twice its time
 * it is held. Where nobody is on control there is nothing to compare, so such a stage is left out.
 */
export function courseOf({ stages }: Pick<RolloutConfig, 'stages'>, rps: number): Course {
  const course: Course = { stages: [], held: undefined };
  let elapsed = 0;
  for (const [index, { percent, for: time }] of stages.entries()) {
    const until = (stageRequests * 100_000) / (rps * percent);
    const lasts = Math.min(2 * time, Math.max(time, until));
    // Ticks are whole seconds, whatever the stages are.
    const seconds = Math.floor((elapsed + lasts) / 1000) - Math.floor(elapsed / 1000);
    elapsed += lasts;
    if (percent < 100 && seconds > 0) course.stages.push({ percent, seconds });
    if (until <= 2 * time) continue;
    course.held = index;
    break;
  }
  return course;
}

/** The beginning of a course, of so many seconds at the most. */
export function beginning(stages: Course['stages'], seconds: number): Course['stages'] {
  const kept: Course['stages'] = [];
  let left = Math.floor(seconds);
  for (const stage of stages) {
    if (left <= 0) break;
    kept.push({ ...stage, seconds: Math.min(stage.seconds, left) });
    left -= stage.seconds;
  }
  return kept;
}

/** How answers are in the world that is looked into: rates of failure, and milliseconds to the head, on either version. */
export type Served = {
  rates: { control: number; treatment: number };
  latency?: { control: number; treatment: number };
};

/** Traffic as it could be. `users`: how many there are; undefined: nobody comes twice. */
export function worldOf(
  stages: Course['stages'],
  { rps, users }: { rps: number; users: number | undefined },
  { rates, latency }: Served,
): World {
  if (users === undefined && latency === undefined) return { rps, stages, rates };
  const fails = ({ onTreatment }: Asked, random: Random) =>
    random() < (onTreatment ? rates.treatment : rates.control);
  if (latency === undefined) return { rps, stages, users: users ?? 'new', fails };
  return {
    rps,
    stages,
    users: users ?? 'new',
    fails,
    // Log-normal, as times to answer are about.
    latency: ({ onTreatment }, random) =>
      (onTreatment ? latency.treatment : latency.control) * Math.exp(0.4 * normal(random)),
  };
}

export type Outlook = {
  runs: number;
  /** Seconds after which the guard acted, in the runs in which it did, in order. */
  seconds: number[];
};

/** Runs the guard through a world, until `enough` of what it has seen. */
export function lookInto(
  world: World,
  config: GuardConfig,
  random: Random,
  enough: (outlook: Outlook) => boolean,
): Outlook {
  const run = createSimulation(world, config, random);
  const outlook: Outlook = { runs: 0, seconds: [] };
  do {
    const fired = run();
    outlook.runs += 1;
    if (fired !== undefined) outlook.seconds.push(fired.second);
  } while (!enough(outlook));
  outlook.seconds.sort((a, b) => a - b);
  return outlook;
}
