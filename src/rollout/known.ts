import type { RolloutConfig } from '../config/rollout-schema.ts';
import type { Split } from '../flags/split.ts';
import { percentAt } from './schedule.ts';
import type { Regression } from '../telemetry/regression.ts';
import type { RolloutState, Who } from './state.ts';
import type { Traffic } from './traffic.ts';

/** What this proxy knows of one rollout. */
export type Known = {
  flag: string;
  config: RolloutConfig;
  /** Requests on treatment that a stage waits for; 0 when it is timed alone. */
  wanted: number;
  traffic: Traffic;
  /** The salt that the flag has without us. */
  salt: string | undefined;
  /** As the store has it, or had it; undefined until it has answered, and control is served. */
  state: RolloutState | undefined;
  /** A rollback that is in force here, and not in the store yet; `at` by the store's clock. */
  rollback: { who: Who; why: string; at: number; regression: Regression | undefined } | undefined;
  /** Whether the state was brought in line with the configuration. */
  configured: boolean;
  /** The effective time that has come: a clock that is put back takes nothing back. */
  reached: number | undefined;
  /** Since when the store has nothing, by its clock. */
  missingSince: number | undefined;
  /** What the flag was last told, so that it is told changes alone. */
  served: Split | undefined;
  /**
   * What is wrong with this rollout alone, by where: what the store has is no state, the configuration contradicts it, the flag
   * cannot be divided so. What was in force stays in force.
   */
  faults: { store?: string; configuration?: string; flag?: string };
};

/** Treatment's share in force here, in percent. */
export function inForce({ state, rollback, reached }: Known, now: number): number {
  if (state === undefined || rollback !== undefined) return 0;
  return state.effectiveAt === reached ? state.percent : percentAt(state, now);
}

/** When a raise that was decided takes effect; undefined when none is to come. */
export const raiseAt = ({ state, reached }: Known, now: number): number | undefined =>
  state !== undefined && state.effectiveAt > now && state.effectiveAt !== reached
    ? state.effectiveAt
    : undefined;

/** One sentence for what is wrong with this rollout alone. */
export const faultOf = ({ faults }: Known): string | undefined =>
  faults.store ?? faults.configuration ?? faults.flag;

export const lacksTraffic = ({ traffic, wanted }: Known): boolean => traffic.total() < wanted;

/** What the guard found, until a person has seen to it. */
export const regressionOf = ({ rollback, state }: Known): Regression | undefined =>
  rollback?.regression ?? state?.regression ?? undefined;
