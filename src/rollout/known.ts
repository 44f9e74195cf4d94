import type { RolloutConfig } from '../config/rollout-schema.ts';
import type { Split } from '../flags/split.ts';
import { percentAt } from './schedule.ts';
import type { RolloutState } from './state.ts';
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
  /** A rollback that is in force here, and not in the store yet. */
  rollback: { why: string } | undefined;
  /** Whether the state was brought in line with the configuration. */
  configured: boolean;
  /** Every effective time up to this one has come; a clock that is put back takes nothing back. */
  reached: number;
  /** What the flag was last told, so that it is told changes alone. */
  served: Split | undefined;
  /** Why the flag cannot be divided as the state wants; what it was last told stays in force. */
  misfit: string | undefined;
};

/** Treatment's share in force here, in percent. */
export function inForce({ state, rollback, reached }: Known, now: number): number {
  return state === undefined || rollback !== undefined ? 0 : percentAt(state, Math.max(now, reached));
}

/** When a raise that was decided takes effect; undefined when none is to come. */
export const raiseAt = ({ state, reached }: Known, now: number): number | undefined =>
  state !== undefined && state.effectiveAt > Math.max(now, reached) ? state.effectiveAt : undefined;

export const lacksTraffic = ({ traffic, wanted }: Known): boolean => traffic.total() < wanted;
