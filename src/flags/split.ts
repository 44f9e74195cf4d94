import type { Problem } from '../config/errors.ts';
import type { FlagSet } from './flag-file.ts';

/**
 * How a rollout divides whoever a flag's targets and rules leave to it: `percent` of contexts get the variation `to`, the
 * others `from`, both as texts.
 */
export type Split = { contextKind: string; salt: string; from: string; to: string; percent: number };

type Flag = FlagSet['flags'][string];

/** The variations that splits need and the flags of a file do not have. A flag that is not there will be made, and lacks none. */
export function splitProblems(
  file: string,
  { flags }: FlagSet,
  splits: Iterable<[string, Pick<Split, 'from' | 'to'>]>,
): Problem[] {
  return Array.from(splits).flatMap(([key, { from, to }]) => {
    const flag = Object.hasOwn(flags, key) ? flags[key] : undefined;
    const missing = flag === undefined ? [] : [from, to].filter((version) => variationOf(flag, version) < 0);
    return missing.map((version) => ({
      file,
      line: 1,
      column: 1,
      path: `flags.${key}.variations`,
      message: `lack ${version}, which the rollout of this flag needs`,
    }));
  });
}

/** The flags, with the splits in the place of what the flags themselves say of everyone else. */
export function withSplits(data: FlagSet, splits: ReadonlyMap<string, Split>): FlagSet {
  const flags = { ...data.flags };
  for (const [key, split] of splits)
    flags[key] = divided(key, Object.hasOwn(flags, key) ? flags[key] : undefined, split);
  return { ...data, flags };
}

function divided(key: string, known: Flag | undefined, split: Split): Flag {
  const { contextKind, salt, from, to, percent } = split;
  const flag = known ?? { key, version: 1, salt, on: true, variations: [from, to], offVariation: 0 };
  const weight = Math.round(percent * 1000);
  return {
    ...flag,
    salt,
    fallthrough: {
      rollout: {
        contextKind,
        // Control first: as treatment's share grows, contexts cross the border one way.
        variations: [
          { variation: variationOf(flag, from), weight: 100_000 - weight },
          { variation: variationOf(flag, to), weight },
        ],
      },
    },
  };
}

/** A variation as a version is written. */
export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '');

const variationOf = ({ variations }: Flag, version: string): number =>
  variations.findIndex((value) => textOf(value) === version);
