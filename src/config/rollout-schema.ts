import { z } from 'zod';
import { form, mistake, name, redisUrl, stageTime, text, version, wait } from './scalars.ts';

/** Weights are thousandths of a percent, so a percentage has three decimals at the most. */
const percent = z
  .number('a percentage of 0 to 100')
  .min(0, 'a percentage of 0 to 100')
  .max(100, 'a percentage of 0 to 100')
  .refine((value) => Math.abs(value * 1000 - Math.round(value * 1000)) < 1e-6, {
    error: 'a percentage with three decimals at the most',
  });

/** Requests on the new version that a stage waits for, where its route is guarded. */
export const stageRequests = 100;

const stage = z.strictObject({
  percent: percent.describe('Share of users on the new version.'),
  for: stageTime.describe('How long the stage lasts.'),
});

const rollout = z
  .strictObject({
    contextKind: form(/^[\w.-]{1,64}$/, 'a context kind')
      .prefault('user')
      .describe('The context kind to roll out by.'),
    from: version.describe('The version everyone has: control.'),
    to: version.describe('The version to bring to them: treatment.'),
    stages: z
      .array(stage, 'a list of stages')
      .min(1, 'at least one stage')
      .max(100, 'at most 100 stages')
      .describe('In order, each with more percent than the one before. After the last: everyone.'),
    start: z
      .enum(['auto', 'manual'])
      .prefault('auto')
      .describe(
        '`auto`: it begins when the proxy first knows of it. `manual`: with `trenchcoat rollout start`.',
      ),
    salt: text('a salt')
      .max(256)
      .optional()
      .describe(
        "Shuffles users; the same salt, flag and percentage choose the same users, in LaunchDarkly too. Default: the flag file's for this flag, else a random one that is kept in the state.",
      ),
    holdback: percent.prefault(0).describe('Percent kept on control at the end.'),
    cutStreamsAfter: z
      .union([z.literal('off'), wait])
      .prefault('off')
      .transform((value) => (value === 'off' ? undefined : value))
      .describe(
        'After a rollback: time after which streams, WebSockets and other requests still open on treatment are cut.',
      ),
  })
  .superRefine(({ stages, from, to, holdback }, ctx) => {
    if (from === to) mistake(ctx, ['to'], '{} is what `from` says too; a rollout leads to another version');
    let last = 0;
    for (const [index, stage] of stages.entries()) {
      const path = ['stages', index, 'percent'];
      if (stage.percent > 100) continue;
      if (stage.percent > 100 - holdback)
        mistake(ctx, path, `{} is more than the ${100 - holdback} that \`holdback\` leaves`);
      else if (stage.percent <= last)
        mistake(ctx, path, `{} is not more than ${last}; percentages grow from stage to stage`);
      last = Math.max(last, stage.percent);
    }
  });

const flagKey = text('the key of a flag')
  .max(256, 'the key of a flag, of 256 characters at the most')
  .refine((key) => !(key in Object.prototype), 'the key of a flag that the SDK can hold');

/** By flag. A map, since a flag may bear any name. */
export const rollouts = z.record(flagKey, rollout).transform((flags) => new Map(Object.entries(flags)));

const fileState = form(/^file:.+/, 'file:PATH').transform((value) => ({
  kept: 'file' as const,
  file: value.slice('file:'.length),
}));

const redisState = redisUrl.transform((url) => ({ kept: 'redis' as const, url, prefix: 'trenchcoat' }));

export const state = z.union([
  z.literal('memory').transform(() => ({ kept: 'memory' as const })),
  fileState,
  redisState,
  z
    .strictObject({
      redis: redisUrl.describe('`redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`; `rediss` for TLS.'),
      prefix: name
        .prefault('trenchcoat')
        .describe('Of the keys, so that several services can share a Redis.'),
    })
    .transform(({ redis, prefix }) => ({ kept: 'redis' as const, url: redis, prefix })),
]);

export type RolloutConfig = z.output<typeof rollout>;
