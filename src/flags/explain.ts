import { bucketOf } from './bucket.ts';
import type { EvaluationContext } from '../identity/context.ts';
import type { Evaluation, EvaluationReason, FlagData, Rollout } from './provider.ts';

/** A part of the line from 0 to 100 %, and the version served there. `from` is in it, `to` is not. */
export type VersionRange = { variation: number; version: string; from: number; to: number };

/**
 * How the bucket of a context decided.
 *
 * `fixed`: no percentage moves this context; `by` says what decided. `rollout`: `bucket` is from 0 to 1, found by
 * hashing `prefix.value`; without a usable value the bucket is 0. `movesAt` is the percentage of treatment, all
 * versions but the control, at which the context leaves the control: a multiple of 0.001; undefined where the
 * rollout does not list the control once, or nothing beside it.
 */
export type BucketExplanation =
  | { kind: 'fixed'; by: EvaluationReason['kind'] }
  | {
      kind: 'rollout';
      by: 'FALLTHROUGH' | 'RULE_MATCH';
      bucket: number;
      prefix: string;
      contextKind: string;
      bucketBy: string;
      value: string | undefined;
      ranges: VersionRange[];
      movesAt: number | undefined;
    };

const whole = 100_000;

/**
 * Explains an evaluation of `flag` for `context`. `control` is the version the route serves by default, as text.
 * Undefined when the evaluation speaks of a rule that the flag does not have.
 */
export function explainBucket(
  flag: FlagData,
  context: EvaluationContext,
  { reason }: Evaluation,
  control: string,
): BucketExplanation | undefined {
  if (reason.kind !== 'FALLTHROUGH' && reason.kind !== 'RULE_MATCH')
    return { kind: 'fixed', by: reason.kind };
  const chosen = reason.kind === 'FALLTHROUGH' ? flag.fallthrough : flag.rules?.[reason.ruleIndex ?? -1];
  if (chosen === undefined) return undefined;
  const { rollout } = chosen;
  if (typeof chosen.variation === 'number' || !rollout) return { kind: 'fixed', by: reason.kind };

  const contextKind = rollout.contextKind ?? 'user';
  // An experiment goes by the key, whatever else is set.
  const bucketBy = rollout.kind === 'experiment' ? 'key' : rollout.bucketBy || 'key';
  const value = bucketable(valueOf(context, contextKind, bucketBy, rollout.contextKind !== undefined));
  const prefix = rollout.seed ? String(rollout.seed) : `${flag.key}.${flag.salt ?? ''}`;
  const bucket = value === undefined ? 0 : bucketOf(prefix, value);
  const shares = rollout.variations.map((share) => ({
    ...share,
    version: String(flag.variations[share.variation]),
  }));
  return {
    kind: 'rollout',
    by: reason.kind,
    bucket,
    prefix,
    contextKind,
    bucketBy,
    value,
    ranges: rangesOf(shares),
    movesAt: movesAt(shares, bucket, control),
  };
}

type Share = Rollout['variations'][number] & { version: string };

function rangesOf(shares: readonly Share[]): VersionRange[] {
  let from = 0;
  return shares.map(({ variation, version, weight }) => {
    const range = { variation, version, from: from / 1000, to: (from + weight) / 1000 };
    from += weight;
    return range;
  });
}

/**
 * The treatments keep their proportions as their sum grows. Those listed before the control push its range up from
 * 0, those after it push it down from 100 %.
 */
function movesAt(shares: readonly Share[], bucket: number, control: string): number | undefined {
  const at = shares.findIndex(({ version }) => version === control);
  const treatments = shares.filter(({ version }) => version !== control);
  if (at < 0 || treatments.length === 0 || treatments.length !== shares.length - 1) return undefined;
  const total = treatments.reduce((sum, { weight }) => sum + weight, 0);
  // At 0 % there are no proportions yet: each counts the same.
  const part = (list: readonly Share[]) =>
    total === 0 ? list.length / treatments.length : list.reduce((sum, { weight }) => sum + weight, 0) / total;
  const before = part(shares.slice(0, at));
  const after = part(shares.slice(at + 1));
  const place = bucket * whole;
  const pushedUp = before > 0 ? Math.floor(place / before) + 1 : Infinity;
  const pushedDown = after > 0 ? Math.ceil((whole - Math.floor(place)) / after) : Infinity;
  return Math.min(pushedUp, pushedDown, whole) / 1000;
}

function bucketable(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return Number.isInteger(value) ? String(value) : undefined;
}

/** An attribute of one kind of context. With `reference`, a name that starts with a slash is a path into it. */
function valueOf(context: EvaluationContext, kind: string, name: string, reference: boolean): unknown {
  const single =
    context.kind === 'multi' ? property(context, kind) : context.kind === kind ? context : undefined;
  const path =
    reference && name.startsWith('/')
      ? name
          .slice(1)
          .split('/')
          .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
      : [name];
  // The kind is no attribute of one context: the SDK answers with all of them, which is no bucket.
  if (path.length === 1 && path[0] === 'kind') return undefined;
  return path.reduce<unknown>((value, part) => property(value, part), single);
}

function property(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}
