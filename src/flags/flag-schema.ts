import { z } from 'zod';

/**
 * LaunchDarkly's flag data, as its servers, its Relay Proxy and its SDKs' file sources have it. Keys that are not
 * read here are kept for the SDK. Null stands for absent, as it does there.
 */

const operators = [
  'in',
  'startsWith',
  'endsWith',
  'contains',
  'matches',
  'lessThan',
  'lessThanOrEqual',
  'greaterThan',
  'greaterThanOrEqual',
  'before',
  'after',
  'semVerEqual',
  'semVerLessThan',
  'semVerGreaterThan',
  'segmentMatch',
] as const;

const text = z.string('text in quotes').min(1, 'text that is not empty');
const contextKeys = z.array(z.string('a context key, as text: put it in quotes'));
const variationIndex = z.int('the index of a variation').min(0, 'the index of a variation, from 0');
const weight = z.int('thousandths of a percent, 0 to 100000').min(0).max(100_000);
const version = z.int().min(0).nullish();

const rollout = z.looseObject({
  kind: z.enum(['rollout', 'experiment']).nullish(),
  contextKind: text.nullish(),
  bucketBy: text.nullish(),
  seed: z.int().nullish(),
  variations: z
    .array(z.looseObject({ variation: variationIndex, weight }))
    .min(1, 'at least one variation')
    .superRefine((list, ctx) => {
      const sum = list.reduce((total, { weight }) => total + weight, 0);
      if (sum !== 100_000)
        ctx.addIssue({ code: 'custom', message: `weights that sum to 100000, not ${sum}` });
    }),
});

type Choice = { variation?: number | null | undefined; rollout?: object | null | undefined };
const chooses = ({ variation, rollout }: Choice) => (variation ?? undefined) === undefined || !rollout;
const choosesOne = ({ variation, rollout }: Choice) =>
  ((variation ?? undefined) === undefined) === Boolean(rollout);
const choice = { variation: variationIndex.nullish(), rollout: rollout.nullish() };
const eitherOr = 'either `variation` or `rollout`';

const clause = z
  .looseObject({
    contextKind: text.nullish(),
    attribute: z.string().nullish(),
    op: z.enum(operators),
    values: z.array(z.unknown()),
    negate: z.boolean().nullish(),
  })
  .superRefine(({ op, attribute, values }, ctx) => {
    if (op !== 'segmentMatch' && !attribute)
      ctx.addIssue({
        code: 'custom',
        message: `the operator ${op} needs an \`attribute\``,
        params: { sentence: true },
      });
    for (const [index, value] of values.entries())
      if (op === 'matches' && !isPattern(value))
        ctx.addIssue({
          code: 'custom',
          path: ['values', index],
          message: 'a regular expression',
          input: value,
        });
  });

function isPattern(value: unknown): boolean {
  try {
    return typeof value === 'string' && new RegExp(value) instanceof RegExp;
  } catch {
    return false;
  }
}

const target = z.looseObject({
  contextKind: text.nullish(),
  variation: variationIndex,
  values: contextKeys.prefault([]),
});

export const flag = z
  .looseObject({
    key: text.nullish(),
    version,
    salt: z.string().nullish(),
    on: z.boolean('true or false'),
    variations: z.array(z.unknown()).min(1, 'at least one variation'),
    offVariation: variationIndex.nullish(),
    fallthrough: z.looseObject(choice).refine(chooses, eitherOr).nullish(),
    targets: z.array(target).nullish(),
    contextTargets: z.array(target).nullish(),
    rules: z
      .array(z.looseObject({ ...choice, clauses: z.array(clause) }).refine(choosesOne, eitherOr))
      .nullish(),
    prerequisites: z.array(z.looseObject({ key: text, variation: variationIndex })).nullish(),
  })
  .refine(({ on, fallthrough }) => !on || choosesOne(fallthrough ?? {}), {
    error: 'a `fallthrough` with either `variation` or `rollout`, since the flag is on',
  });

const segmentTarget = z.looseObject({ contextKind: text.nullish(), values: contextKeys });

export const segment = z.looseObject({
  key: text.nullish(),
  version,
  salt: z.string().nullish(),
  included: contextKeys.nullish(),
  excluded: contextKeys.nullish(),
  includedContexts: z.array(segmentTarget).nullish(),
  excludedContexts: z.array(segmentTarget).nullish(),
  rules: z
    .array(
      z.looseObject({
        clauses: z.array(clause),
        weight: weight.nullish(),
        bucketBy: text.nullish(),
        rolloutContextKind: text.nullish(),
      }),
    )
    .nullish(),
  unbounded: z.literal(false, 'false: big segments are kept by LaunchDarkly alone').nullish(),
});

export type FlagEntry = z.output<typeof flag>;
export type SegmentEntry = z.output<typeof segment>;
