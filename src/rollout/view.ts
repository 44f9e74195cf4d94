import { inForce, raiseAt, regressionOf, type Known } from './known.ts';
import { elapsedAt, leftAt } from './schedule.ts';
import type { Change, Status } from './state.ts';
import { keptText, type Store } from '../store/store.ts';
import { shownRegression, type ShownRegression } from '../telemetry/regression.ts';
import type { Counts } from './traffic.ts';
import { openVerbs, type PersonVerb } from './transitions.ts';

/** A rollout as the admin port shows it. Durations are milliseconds, moments ISO 8601, percentages 0 to 100. */
export type RolloutView = {
  flag: string;
  /** `unknown` until the state could be read: control is served. */
  status: Status | 'unknown';
  /** Treatment's share now. */
  percent: number;
  /** What it will be in this time, decided already: so that every proxy makes the raise at one moment. */
  raise: { percent: number; inMs: number } | undefined;
  contextKind: string;
  from: string;
  to: string;
  salt: string | undefined;
  holdback: number;
  stages: { percent: number; forMs: number }[];
  /** Index into `stages` while a stage is under way or stopped. */
  stage: number | undefined;
  elapsedMs: number;
  /** Undefined while no clock runs. */
  leftMs: number | undefined;
  /** Set while a stage whose time is up waits for requests on treatment. */
  waitsFor: { requests: number; of: number } | undefined;
  /** What this proxy saw at this stage and percentage, of requests that the rollout decided. */
  seen: { control: Counts; treatment: Counts };
  /** What a person may do now. */
  verbs: PersonVerb[];
  /** Where the state is kept, and whether that is well. `saved` is false for a rollback that is in force here alone. */
  state: { kept: 'file' | 'redis' | 'memory'; healthy: boolean; saved: boolean; detail: string };
  /** What the guard found, when it was the guard that stopped the rollout; `words` says it in a sentence. */
  regression: ShownRegression | undefined;
  revision: number | undefined;
  history: (Omit<Change, 'at'> & { at: string })[];
};

/**
 * The end of a verb: the rollout after it, or why nothing was done. `unknown`: there is no such rollout. `refused`:
 * its status does not allow it. `away`: the state cannot be written now.
 */
export type Acted =
  { ok: true; rollout: RolloutView } | { ok: false; why: 'unknown' | 'refused' | 'away'; detail: string };

/** `trouble` is what keeps the state from being read and written. */
export function viewOf(
  known: Known,
  { kept, now: clock }: Pick<Store, 'kept' | 'now'>,
  trouble?: string,
): RolloutView {
  const { flag, config, state, rollback, traffic, wanted } = known;
  const now = clock();
  const found = regressionOf(known);
  const raise = rollback === undefined ? raiseAt(known, now) : undefined;
  const status = rollback === undefined ? (state?.status ?? 'unknown') : 'reverted';
  const staged = status === 'in_progress' || status === 'paused' || status === 'regressed';
  const { contextKind, from, to, holdback, stages } = state ?? config;
  const well = rollback === undefined ? keptText(kept) : 'rolled back on this proxy alone';
  return {
    flag,
    status,
    percent: inForce(known, now),
    raise:
      raise === undefined || state === undefined
        ? undefined
        : { percent: state.percent, inMs: Math.round(raise - now) },
    contextKind,
    from,
    to,
    salt: state?.salt,
    holdback,
    stages: stages.map(({ percent, for: forMs }) => ({ percent, forMs })),
    stage: staged ? state?.stage : undefined,
    elapsedMs: staged && state !== undefined ? elapsedAt(state, now) : 0,
    leftMs: staged && state !== undefined ? leftAt(state, now) : undefined,
    waitsFor: staged && state?.extended === true ? { requests: traffic.total(), of: wanted } : undefined,
    seen: { control: traffic.control(), treatment: traffic.treatment() },
    verbs: status === 'unknown' ? [] : openVerbs(status),
    state: {
      kept,
      healthy: trouble === undefined,
      saved: rollback === undefined,
      detail: trouble === undefined ? well : `${well}; ${trouble}`,
    },
    regression: found && shownRegression(found),
    revision: state?.revision,
    history: (state?.history ?? []).map(({ at, ...line }) => ({ ...line, at: new Date(at).toISOString() })),
  };
}
