import { z } from 'zod';
import { hookUrl, httpUrl, secretText, text, epochTime, wait } from './scalars.ts';

/** A chance of being wrong: above 0, and never a coin's. */
const chance = z
  .number('a chance above 0, and 0.5 at the most')
  .gt(0, 'a chance above 0, and 0.5 at the most')
  .max(0.5, 'a chance above 0, and 0.5 at the most');

const ratio = (most: number) => z.number().min(1).max(most);

const errors = z.strictObject({
  tolerated: ratio(100).prefault(1.25).describe('How many times as often v1 may fail as v0.'),
  minDifference: z
    .number()
    .min(0)
    .max(100)
    .prefault(0.1)
    .describe('Percentage points by which v1 must fail more often before anything is done.'),
  minFailures: z
    .int()
    .min(1)
    .max(1_000_000)
    .prefault(5)
    .describe('Failures on v1 there must be before anything is done.'),
});

const latency = z.strictObject({
  tolerated: ratio(100).prefault(1.1).describe('How many times as long v1 may take as v0.'),
  slack: wait.prefault('5ms').describe('And how much longer in any case.'),
});

const chances = z.strictObject({
  act: chance
    .prefault(0.01)
    .describe(
      'Of acting on a v1 that is no worse, in a whole rollout; half is for errors, half for latency.',
    ),
  warn: chance.prefault(0.05).describe('The same of a warning in the log.'),
  split: chance
    .prefault(0.001)
    .describe('Of a warning that users do not divide as they should, though they do.'),
});

const launchdarkly = z.strictObject({
  apiToken: secretText.describe('An API access token that may turn this flag off.'),
  project: text('the key of a project').describe('Key of the project.'),
  environment: text('the key of an environment').describe('Key of the environment.'),
  url: httpUrl.prefault('https://app.launchdarkly.com').describe('Where LaunchDarkly has its REST API.'),
});

/** How a route watches v1 against v0; see the README for what the words mean. */
export const guard = z.strictObject({
  onRegression: z
    .enum(['rollback', 'pause', 'notify', 'off'])
    .prefault('rollback')
    .describe(
      '`rollback`: everybody is taken back to v0. `pause`: a rollout stays at its percentage. `notify`: it is said. `off`: nothing is watched, and the stages of a rollout are timed alone, whether they see traffic or not.',
    ),
  unit: z
    .enum(['context', 'request'])
    .prefault('context')
    .describe(
      '`context`: users, or whoever is asking, are compared, each counting once. `request`: requests are; for services with a handful of keys. One of them that always fails then looks like many.',
    ),
  clientErrors: z.boolean().prefault(false).describe('Whether 4xx answers are failures, too.'),
  errors: errors.prefault({}).describe('How much more often v1 may fail.'),
  latency: z
    .union([z.literal('off'), latency])
    .prefault({})
    .transform((value) => (value === 'off' ? undefined : value))
    .describe('How much slower v1 may be, up to the response head; `off` to let it be as slow as it likes.'),
  connectFailures: z
    .union([z.literal('off'), z.int().min(1).max(1000)])
    .prefault(5)
    .transform((value) => (value === 'off' ? Infinity : value))
    .describe(
      'Connections to v1 that fail one after the other while v0 answers, after which it is acted at once.',
    ),
  falseAlarms: chances.prefault({}).describe('How often the guard may be wrong.'),
  epoch: epochTime.prefault('10m').describe('Time after which each user counts anew.'),
  launchdarkly: launchdarkly
    .optional()
    .describe("With LaunchDarkly's flags: turn the flag off there, so that every other SDK follows."),
});

export type GuardConfig = z.output<typeof guard>;

const hook = z.strictObject({
  webhook: hookUrl.describe('Address that gets a POST of JSON, such as an incoming webhook of Slack.'),
  secret: secretText
    .optional()
    .describe('Signs each message, as Standard Webhooks has it; `whsec_…` or any text.'),
});

export const notify = z.array(hook, 'a list of webhooks').max(20, 'at most 20 webhooks');
export type NotifyConfig = z.output<typeof notify>;
