import type { FlagData } from './provider.ts';
import { textOf } from './split.ts';

/**
 * How a flag divides whoever its targets and rules leave: the percentage that gets another variation than `control`, and by which
 * context kind. Undefined when they all get the same.
 */
export function dividedBy(
  flag: FlagData,
  control: string,
): { percent: number; contextKind: string | undefined } | undefined {
  const rollout = flag.on ? flag.fallthrough?.rollout : undefined;
  if (rollout === undefined) return undefined;
  const sum = (weights: typeof rollout.variations) =>
    weights.reduce((total, { weight }) => total + weight, 0);
  const all = sum(rollout.variations);
  const others = sum(
    rollout.variations.filter(({ variation }) => textOf(flag.variations[variation]) !== control),
  );
  return all > 0 ? { percent: (others / all) * 100, contextKind: rollout.contextKind } : undefined;
}
