import type { FlagData } from './provider.ts';
import { textOf } from './split.ts';

/**
 * How a flag divides whoever its targets and rules leave: the percentage that gets another variation than `control`, and by which
 * context kind. Undefined when they all get the same, or the flag is no valid one: what LaunchDarkly sends is not checked.
 */
export function dividedBy(
  flag: FlagData,
  control: string,
): { percent: number; contextKind: string | undefined } | undefined {
  const rollout = flag.on ? flag.fallthrough?.rollout : undefined;
  const parts: unknown = rollout?.variations;
  if (rollout === undefined || !Array.isArray(parts) || !parts.every(isPart)) return undefined;
  const sum = (weights: typeof parts) => weights.reduce((total, { weight }) => total + weight, 0);
  const all = sum(parts);
  const others = sum(parts.filter(({ variation }) => textOf(flag.variations[variation]) !== control));
  return all > 0 ? { percent: (others / all) * 100, contextKind: rollout.contextKind } : undefined;
}

function isPart(part: unknown): part is { variation: number; weight: number } {
  if (typeof part !== 'object' || part === null || !('variation' in part) || !('weight' in part))
    return false;
  return typeof part.variation === 'number' && typeof part.weight === 'number' && part.weight >= 0;
}
