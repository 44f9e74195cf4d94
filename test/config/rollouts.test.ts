import t from 'tap';
import { load, problemsOf } from '../support/config.ts';

const base = `upstreams: { v0: { url: "http://a" }, v1: { url: "http://b" } }
routes: [{ name: facts, flag: facts, versions: { 0: v0, 1: v1 }, default: 0 }]
`;
const rollout = (more: string, stages = '[{ percent: 25, for: 1m }]') =>
  `${base}rollouts: { facts: { from: 0, to: 1, stages: ${stages}${more} } }\n`;

await t.test('a rollout in its shortest form, with its defaults', async (t) => {
  const { config } = await load(rollout(''));
  t.match(Object.fromEntries(config?.rollouts ?? []), {
    facts: {
      contextKind: 'user',
      from: '0',
      to: '1',
      stages: [{ percent: 25, for: 60_000 }],
      start: 'auto',
      salt: undefined,
      holdback: 0,
      cutStreamsAfter: undefined,
    },
  });
  t.match(config?.state, { kept: 'file', file: /^\/.*\/trenchcoat-state\.json$/ });
});

const state = async (text: string) => (await load(`${base}state: ${text}`)).config?.state;

await t.test('the state: file, memory, Redis', async (t) => {
  t.same(await state('memory'), { kept: 'memory' });
  t.match(await state('file:/var/lib/x.json'), { kept: 'file', file: '/var/lib/x.json' });
  t.same(await state('redis://r:6379/2'), {
    kept: 'redis',
    url: new URL('redis://r:6379/2'),
    prefix: 'trenchcoat',
  });
  t.same(await state('{ redis: "rediss://u:p@r", prefix: raccoons }'), {
    kept: 'redis',
    url: new URL('rediss://u:p@r'),
    prefix: 'raccoons',
  });
});

/** What stands in the file, and all that is said of it. */
const mistakes: Record<string, [string, string[]]> = {
  'percentages that do not grow': [
    rollout('', '[{ percent: 50, for: 1m }, { percent: 25, for: 1m }, { percent: 50, for: 1m }]'),
    [
      '3:84 rollouts.facts.stages[1].percent: 25 is not more than 50; percentages grow from stage to stage',
      '3:110 rollouts.facts.stages[2].percent: 50 is not more than 50; percentages grow from stage to stage',
    ],
  ],
  'no percentage': [
    rollout('', '[{ percent: 0, for: 1m }]'),
    ['3:58 rollouts.facts.stages[0].percent: 0 is not more than 0; percentages grow from stage to stage'],
  ],
  'more than everyone': [
    rollout('', '[{ percent: 125, for: 1m }]'),
    ['3:58 rollouts.facts.stages[0].percent: found 125 (a number); expected a percentage of 0 to 100'],
  ],
  'finer than weights are': [
    rollout('', '[{ percent: 0.0001, for: 1m }]'),
    [
      '3:58 rollouts.facts.stages[0].percent: found 0.0001 (a number); expected a percentage with three decimals at the most',
    ],
  ],
  'a holdback that leaves no room': [
    rollout(', holdback: 80'),
    ['3:58 rollouts.facts.stages[0].percent: 25 is more than the 20 that `holdback` leaves'],
  ],
  'no stage': [
    rollout('', '[]'),
    ['3:46 rollouts.facts.stages: found an empty list; expected at least one stage'],
  ],
  'a stage without a time': [
    rollout('', '[{ percent: 25 }]'),
    [
      '3:47 rollouts.facts.stages[0].for: missing; expected a duration of 1ms to 365d, such as 250ms, 30s, 5m, 12h or 7d',
    ],
  ],
  'an unknown variation': [
    rollout('').replace('to: 1', 'to: 2'),
    ["3:35 rollouts.facts.to: 2 is not one of the versions of the flag's route; allowed: 0, 1"],
  ],
  'from here to here': [
    rollout('').replace('to: 1', 'to: 0'),
    ['3:35 rollouts.facts.to: 0 is what `from` says too; a rollout leads to another version'],
  ],
  'a context kind that nobody has': [
    rollout(', contextKind: device'),
    ['3:87 rollouts.facts.contextKind: "device" is not one of the context kinds; allowed: user'],
  ],
  'a flag that no route asks': [
    rollout('').replace('{ facts: {', '{ other: {'),
    ['3:20 rollouts.other: no route has this flag; a rollout needs one to act on'],
  ],
  'with LaunchDarkly': [
    `${rollout('')}flags: { source: launchdarkly, sdkKey: x }\n`,
    ['3:20 rollouts.facts: with `flags.source: launchdarkly` rollouts are set up in LaunchDarkly; remove it'],
  ],
  'a state of another kind': [
    `${base}state: s3://bucket/x\n`,
    [
      '3:8 state: found a string; expected memory, or file:PATH, or a redis:// or rediss:// address, such as redis://redis:6379 or rediss://:PASSWORD@redis:6379/0',
    ],
  ],
  'a Redis with a path': [
    `${base}state: { redis: "redis://u:secret@r/db/0" }\n`,
    [
      '3:17 state.redis: found a string; expected a redis:// or rediss:// address, such as redis://redis:6379 or rediss://:PASSWORD@redis:6379/0',
    ],
  ],
};

for (const [name, [text, expected]] of Object.entries(mistakes))
  await t.test(`${name} is a mistake with its place`, async (t) => {
    t.strictSame(await problemsOf(text), expected);
  });
