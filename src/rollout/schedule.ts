import type { RolloutState } from './state.ts';

/** Treatment's share at a moment, in percent. */
export const percentAt = (state: RolloutState, now: number): number =>
  now >= state.effectiveAt ? state.percent : state.previous;

/** Milliseconds of the current stage that have passed. */
export const elapsedAt = ({ elapsed, since }: RolloutState, now: number): number =>
  since === null ? elapsed : elapsed + Math.max(0, Math.round(now - since));

/** What the schedule does next by itself, and when; undefined when it waits for a person, or is done. */
export type Step = { verb: 'advance' | 'complete' | 'extend' | 'hold'; at: number };

/**
 * `wanted` is whether the stage still lacks traffic: at the end of its time it is then extended, and at twice its
 * time held, never passed blind.
 */
export function nextStep(state: RolloutState, wanted: boolean): Step | undefined {
  const stage = state.stages[state.stage];
  if (state.status !== 'in_progress' || state.since === null || stage === undefined) return undefined;
  const end = state.since + stage.for - state.elapsed;
  if (!wanted) return { verb: state.stage + 1 < state.stages.length ? 'advance' : 'complete', at: end };
  return state.extended ? { verb: 'hold', at: state.since + stage.for } : { verb: 'extend', at: end };
}

/** Milliseconds until the current stage's time is up; undefined when its clock stands still. */
export function leftAt(state: RolloutState, now: number): number | undefined {
  const stage = state.stages[state.stage];
  if (state.since === null || stage === undefined) return undefined;
  return Math.max(0, stage.for - elapsedAt(state, now));
}
