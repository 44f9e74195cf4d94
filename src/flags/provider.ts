import type { EvaluationContext } from '../identity/context.ts';
import type { Split } from './split.ts';

/** Why a flag gave the value it gave, in LaunchDarkly's spelling. `errorKind` is set when `kind` is `ERROR`. */
export type EvaluationReason = {
  kind: 'OFF' | 'FALLTHROUGH' | 'TARGET_MATCH' | 'RULE_MATCH' | 'PREREQUISITE_FAILED' | 'ERROR';
  errorKind?:
    | 'CLIENT_NOT_READY'
    | 'FLAG_NOT_FOUND'
    | 'MALFORMED_FLAG'
    | 'USER_NOT_SPECIFIED'
    | 'WRONG_TYPE'
    | 'EXCEPTION';
  ruleIndex?: number;
};

/** What a flag says for one context. On `ERROR` the value is the fallback that was passed in. */
export type Evaluation = {
  value: unknown;
  variationIndex: number | undefined;
  reason: EvaluationReason;
};

/**
 * Whether the source can be relied on now. `initialized`: flags have arrived at least once, so evaluation uses
 * them. `healthy`: nothing is known to be wrong. `detail` is one sentence for readiness and people.
 */
export type SourceState = { initialized: boolean; healthy: boolean; detail: string };

/** A source of flags. It evaluates in memory: `evaluate` neither throws, rejects nor waits for the network. */
export type FlagProvider = {
  evaluate(flagKey: string, context: EvaluationContext, fallback: unknown): Evaluation | Promise<Evaluation>;
  /** The same for an explanation, which is no visit: nobody is told of it. */
  peek(flagKey: string, context: EvaluationContext, fallback: unknown): Evaluation | Promise<Evaluation>;
  /**
   * Tells the source how a request went that it decided, for the same context: whether the upstream failed it, and
   * the milliseconds until its response head, where that says something. Absent when nobody is told.
   */
  report?(context: EvaluationContext, failed: boolean, latencyMs: number | undefined): void;
  /** The flag as LaunchDarkly's data has it, for explanations; undefined when there is none. */
  flagData(flagKey: string): FlagData | undefined;
  state(): SourceState;
  /** How flags divide; present where rollouts are ours to run. */
  splits?: {
    /** Throws a UserError when the flag lacks a variation of the split. */
    check(flagKey: string, split: Split): void;
    /** Puts a split, which may be had, in the place of the last one; undefined leaves the flag to what its file says. */
    set(flagKey: string, split: Split | undefined): void;
  };
  /** Flushes what is to be sent within `deadline` milliseconds, then lets go of every resource. */
  close(deadline: number): Promise<void>;
};

export type WeightedVariation = { variation: number; weight: number };

/** A split by bucket. Weights are thousandths of a percent and sum to 100,000. */
export type Rollout = {
  kind?: 'rollout' | 'experiment';
  contextKind?: string;
  bucketBy?: string;
  seed?: number;
  variations: WeightedVariation[];
};

/** The part of LaunchDarkly's flag data that an explanation reads. */
export type FlagData = {
  key: string;
  salt?: string;
  on: boolean;
  variations: unknown[];
  fallthrough?: { variation?: number; rollout?: Rollout };
  rules?: { variation?: number; rollout?: Rollout }[];
};

/** What a source says of itself. Pino fits; the arguments are fields and a message. */
export type FlagLog = Record<
  'debug' | 'info' | 'warn' | 'error',
  (fields: Record<string, unknown>, message: string) => void
>;
