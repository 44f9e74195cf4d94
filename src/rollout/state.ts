import { z } from 'zod';
import { moment, regression } from '../telemetry/regression.ts';
import type { Kind } from '../store/store.ts';

/**
 * What is known of one rollout, as a store keeps it. Times are milliseconds since 1970 by the store's clock,
 * durations milliseconds, percentages 0 to 100 with three decimals at the most.
 */

export const statuses = [
  'not_started',
  'in_progress',
  'paused',
  'regressed',
  'completed',
  'reverted',
] as const;

/** Changes that a history keeps. */
export const remembered = 200;

const status = z.enum(statuses);
const percent = z.number().min(0).max(100);
const duration = z.int().min(0);
const text = z.string().min(1).max(256);

/** Who made a change. */
const who = z.enum(['schedule', 'guard', 'person', 'configuration']);

const change = z.strictObject({
  at: moment,
  who,
  /** What was done: a verb of the transition table. */
  verb: z.string().min(1).max(32),
  from: status,
  to: status,
  /** The percentage from then on. */
  percent,
  why: z.string().max(500),
});

export const rolloutState = z
  .strictObject({
    flag: text,
    /** Grows by one with each change. */
    revision: z.int().min(1),
    /** Of this very change: two proxies that make the same revision apart are told apart. */
    nonce: z.string().regex(/^[0-9a-f]{8}$/),
    createdAt: moment,
    salt: text,
    contextKind: text,
    /** The versions, as texts. */
    from: text,
    to: text,
    stages: z
      .array(z.strictObject({ percent, for: duration }))
      .min(1)
      .max(100),
    /** Percent that stays on control at the end. */
    holdback: percent,
    status,
    /** Index into `stages`. */
    stage: z.int().min(0).max(100),
    /** The revision that entered this stage. */
    stageRevision: z.int().min(0),
    /** Treatment's share from `effectiveAt` on; `previous` until then. */
    percent,
    previous: percent,
    effectiveAt: moment,
    /** The stage's time that had passed when its clock was last started or stopped; null when it stands still. */
    elapsed: duration,
    since: moment.nullable(),
    /** Whether the stage's time is up, and it waits for traffic. */
    extended: z.boolean(),
    /** What the guard found, until a person has seen to it. */
    regression: regression.nullable().prefault(null),
    /** From when on the guard compares: the start, or the last time a person said to go on. */
    watchedFrom: moment.prefault(0),
    /** Oldest first. */
    history: z.array(change).max(remembered),
  })
  .refine(({ stage, stages }) => stage < stages.length);

export type RolloutState = z.output<typeof rolloutState>;
export type Status = RolloutState['status'];
export type Who = z.output<typeof who>;
export type Change = z.output<typeof change>;
export type Stage = RolloutState['stages'][number];

export const rolloutKind: Kind<RolloutState> = { name: 'rollout', schema: rolloutState };

/**
 * Whether `a` is the state to keep when both turn up: the later revision; of two made apart, a rollback, or that of the
 * older rollout, which somebody may have been served by.
 */
export function outranks(a: RolloutState, b: RolloutState): boolean {
  if (a.revision !== b.revision) return a.revision > b.revision;
  if ((a.status === 'reverted') !== (b.status === 'reverted')) return a.status === 'reverted';
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt;
  return a.nonce > b.nonce;
}
