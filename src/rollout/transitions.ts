import type { Regression } from '../telemetry/regression.ts';
import { elapsedAt } from './schedule.ts';
import { remembered, type Change, type RolloutState, type Status, type Who } from './state.ts';

/** The verbs a person has. */
export const personVerbs = ['start', 'pause', 'resume', 'rollback', 'promote'] as const;
export type PersonVerb = (typeof personVerbs)[number];

/**
 * `advance`, `complete`, `extend` and `hold` are the schedule's. `regress` and `note` are the guard's, and so may `rollback` be;
 * with `clear` a person has seen to what the guard found.
 */
export type Verb = PersonVerb | 'advance' | 'complete' | 'extend' | 'hold' | 'regress' | 'note' | 'clear';

/** From which status a verb leads to which. What is not here is refused. */
export const transitions: Record<Verb, Partial<Record<Status, Status>>> = {
  start: { not_started: 'in_progress', reverted: 'in_progress' },
  pause: { in_progress: 'paused' },
  resume: { paused: 'in_progress', regressed: 'in_progress' },
  rollback: {
    in_progress: 'reverted',
    paused: 'reverted',
    regressed: 'reverted',
    completed: 'reverted',
  },
  promote: { in_progress: 'completed', paused: 'completed', regressed: 'completed' },
  advance: { in_progress: 'in_progress' },
  complete: { in_progress: 'completed' },
  extend: { in_progress: 'in_progress' },
  hold: { in_progress: 'paused' },
  regress: { in_progress: 'regressed', paused: 'regressed' },
  note: { in_progress: 'in_progress', paused: 'paused', regressed: 'regressed', completed: 'completed' },
  clear: {
    in_progress: 'in_progress',
    paused: 'paused',
    regressed: 'in_progress',
    completed: 'completed',
    reverted: 'reverted',
  },
};

/** The verbs that a person may use in this status. */
export const openVerbs = (status: Status): PersonVerb[] =>
  personVerbs.filter((verb) => transitions[verb][status] !== undefined);

/**
 * When, by whom and why a change is made. `lead` is how many milliseconds ahead a raise takes effect, so that every
 * proxy knows of it by then; `nonce` is eight random hexadecimal digits.
 */
export type Circumstances = {
  now: number;
  lead: number;
  who: Who;
  why: string;
  nonce: string;
  /** What the guard found, where the change is its. */
  regression?: Regression;
};

/** The state after a verb; undefined when the status refuses it. */
export function apply(
  state: RolloutState,
  verb: Verb,
  circumstances: Circumstances,
): RolloutState | undefined {
  const status = transitions[verb][state.status];
  if (status === undefined) return undefined;
  const { now, lead } = circumstances;
  const part = { ...partOf(state, verb, Math.round(now), lead), ...watched(state, verb, circumstances) };
  return recorded(state, verb, { ...part, status }, circumstances);
}

/** What a verb changes, beside the status. */
function partOf(state: RolloutState, verb: Verb, now: number, lead: number): Partial<RolloutState> {
  const stopped = { elapsed: elapsedAt(state, now), since: null };
  switch (verb) {
    case 'start':
      return enter(state, 0, now + lead);
    case 'advance':
      return enter(state, state.stage + 1, now + lead);
    case 'promote':
    case 'complete':
      return { ...stopped, ...raised(state, 100 - state.holdback, now + lead), extended: false };
    case 'rollback':
      return { ...stopped, percent: 0, previous: 0, effectiveAt: now, extended: false };
    case 'clear':
      return state.status === 'regressed' ? partOf(state, 'resume', now, lead) : {};
    case 'note':
      return {};
    case 'resume': {
      const stage = state.stages[state.stage];
      // A stage that was held with its time used up gets its time once more.
      const elapsed = state.elapsed >= (stage?.for ?? 0) ? 0 : state.elapsed;
      // Its stages may have been edited meanwhile.
      const higher = (stage?.percent ?? 0) > state.percent;
      return {
        elapsed,
        since: now,
        extended: false,
        ...(higher && raised(state, stage?.percent ?? 0, now + lead)),
      };
    }
    case 'extend':
      // From here on it has its time once more: while nobody served, nobody could ask.
      return { extended: true, elapsed: state.stages[state.stage]?.for ?? 0, since: now };
    // A raise that was decided stays: some proxy may have made it already.
    case 'pause':
    case 'hold':
    case 'regress':
      return stopped;
  }
}

/** What the guard found stays until a person says to go on; then it compares anew. */
function watched(
  state: RolloutState,
  verb: Verb,
  { now, regression }: Circumstances,
): Pick<RolloutState, 'regression' | 'watchedFrom'> {
  const { watchedFrom } = state;
  const goesOn =
    verb === 'start' ||
    verb === 'clear' ||
    verb === 'promote' ||
    (verb === 'resume' && state.status === 'regressed');
  if (goesOn) return { regression: null, watchedFrom: Math.round(now) };
  return { regression: regression ?? state.regression, watchedFrom };
}

const enter = (state: RolloutState, stage: number, at: number): Partial<RolloutState> => ({
  stage,
  stageRevision: state.revision + 1,
  ...raised(state, state.stages[stage]?.percent ?? 0, at),
  elapsed: 0,
  since: at,
  extended: false,
});

/** The percentage grows at a moment that every proxy can know of, and never shrinks. */
export const raised = (
  state: RolloutState,
  percent: number,
  at: number,
): Pick<RolloutState, 'percent' | 'previous' | 'effectiveAt'> => ({
  percent: Math.max(percent, state.percent),
  previous: state.percent,
  effectiveAt: at,
});

/** A new revision with its line in the history. */
export function recorded(
  state: RolloutState,
  verb: string,
  part: Partial<RolloutState>,
  { now, who, why, nonce }: Circumstances,
): RolloutState {
  const next = { ...state, ...part, revision: state.revision + 1, nonce };
  const line: Change = {
    at: Math.round(now),
    who,
    verb,
    from: state.status,
    to: next.status,
    percent: next.percent,
    why: why.slice(0, 500),
  };
  return { ...next, history: [...state.history, line].slice(-remembered) };
}
