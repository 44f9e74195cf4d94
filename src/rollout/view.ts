import type { PersonVerb } from './transitions.ts';
import type { Change, Status } from './state.ts';

/** Requests that a version served, and how many of them failed by its fault. */
export type Counts = { version: string; requests: number; errors: number };

/** A rollout as the admin port shows it. Durations are milliseconds, moments ISO 8601, percentages 0 to 100. */
export type RolloutView = {
  flag: string;
  /** `unknown` until the state could be read: control is served. */
  status: Status | 'unknown';
  /** Treatment's share now. */
  percent: number;
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
  /** What this proxy saw since the stage began, of requests that the rollout decided. */
  seen: { control: Counts; treatment: Counts };
  /** What a person may do now. */
  verbs: PersonVerb[];
  /** Where the state is kept, and whether that is well. `saved` is false for a rollback that is in force here alone. */
  state: { kept: 'file' | 'redis' | 'memory'; healthy: boolean; saved: boolean; detail: string };
  revision: number | undefined;
  history: (Omit<Change, 'at'> & { at: string })[];
};

/**
 * The end of a verb: the rollout after it, or why nothing was done. `unknown`: there is no such rollout. `refused`:
 * its status does not allow it. `away`: the state cannot be written now.
 */
export type Acted =
  { ok: true; rollout: RolloutView } | { ok: false; why: 'unknown' | 'refused' | 'away'; detail: string };
