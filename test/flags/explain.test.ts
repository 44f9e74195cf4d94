import t from 'tap';
import { explainBucket, type BucketExplanation } from '../../src/flags/explain.ts';
import type { EvaluationContext } from '../../src/identity/context.ts';
import type { FlagData, Rollout } from '../../src/flags/provider.ts';
import { localEvaluator } from '../../src/flags/launchdarkly.ts';
import { keptLog, user } from '../support/flags.ts';

const evaluator = localEvaluator(keptLog());
t.teardown(() => evaluator.close());

type Rolled = Extract<BucketExplanation, { kind: 'rollout' }>;

const flagOf = (rollout: Rollout, more: Partial<FlagData> = {}) => ({
  key: 'api',
  version: 1,
  salt: 'salt',
  on: true,
  variations: ['v0', 'v1', 'v2'],
  fallthrough: { rollout },
  ...more,
});

/** What the SDK answers to this flag, and what is said about it. */
async function explained(flag: FlagData, context: EvaluationContext, control = 'v0') {
  evaluator.replace({ flags: { [flag.key]: { version: 1, salt: '', ...flag } }, segments: {} });
  const evaluation = await evaluator.evaluate(flag.key, context, 'default');
  return { evaluation, explanation: explainBucket(flag, context, evaluation, control) };
}

async function rolled(flag: FlagData, context: EvaluationContext, control?: string): Promise<Rolled> {
  const { explanation } = await explained(flag, context, control);
  if (explanation?.kind !== 'rollout') throw new Error(`no rollout: ${JSON.stringify(explanation)}`);
  return explanation;
}

/** Variations in this order, as [variation, weight]. */
const inOrder = (...shares: [number, number][]) =>
  shares.map(([variation, weight]) => ({ variation, weight }));

await t.test('the bucket is the one the SDK uses, whatever the rollout goes by', async (t) => {
  const both = {
    kind: 'multi' as const,
    user: { key: 'ann' },
    org: { key: 'acme', team: { name: 'x/y' }, size: 12 },
  };
  for (const [name, rollout, context] of [
    ['key', {}, user('ann')],
    ['a seed', { seed: 61 }, user('ann')],
    ['a seed of 0', { seed: 0 }, user('ann')],
    ['an attribute', { bucketBy: 'plan' }, user('ann', { plan: 'pro' })],
    ['an integer', { bucketBy: 'age' }, user('ann', { age: 7 })],
    ['a fraction', { bucketBy: 'age' }, user('ann', { age: 7.5 })],
    ['a boolean', { bucketBy: 'vip' }, user('ann', { vip: true })],
    ['an attribute that is not there', { bucketBy: 'plan' }, user('ann')],
    ['another kind', { contextKind: 'org' }, both],
    ['another kind of the same name', { contextKind: 'user' }, both],
    ['a kind that is not there', { contextKind: 'device' }, both],
    ['a reference', { contextKind: 'org', bucketBy: '/team/name' }, both],
    [
      'a slash in a reference',
      { contextKind: 'org', bucketBy: '/a~1b' },
      { kind: 'org', key: '1', 'a/b': 'c' },
    ],
    ['a slash in a name', { bucketBy: '/a' }, user('ann', { '/a': 'literal', a: 'referred' })],
    ['the kind', { bucketBy: 'kind' }, user('ann')],
    ['an experiment', { kind: 'experiment', bucketBy: 'plan' }, user('ann', { plan: 'pro' })],
    ['an inherited name', { bucketBy: 'constructor' }, user('ann')],
  ] as const) {
    const rolloutOf = (weight: number) => ({
      ...rollout,
      variations: inOrder([0, weight], [1, 100_000 - weight]),
    });
    const { bucket } = await rolled(flagOf(rolloutOf(50_000)), context);
    const edge = Math.floor(bucket * 100_000);
    // One step of weight apart, the SDK changes its mind: so its bucket is between the two.
    const at = async (weight: number) =>
      (await explained(flagOf(rolloutOf(weight)), context)).evaluation.value;
    t.same([await at(edge), await at(edge + 1)], ['v1', 'v0'], `${name}: ${bucket}`);
  }
});

await t.test('movesAt is where the SDK moves the context', async (t) => {
  for (const [name, order] of [
    ['control first', (share: number) => inOrder([0, 100_000 - share], [1, share])],
    ['control last', (share: number) => inOrder([1, share], [0, 100_000 - share])],
  ] as const)
    for (const key of ['ann', 'bob', 'eve', 'user-1', 'user-2', 'user-3', 'user-4', 'user-5']) {
      const flagAt = (share: number) => flagOf({ variations: order(share) });
      const found = new Set<number | undefined>();
      for (const share of [0, 25_000, 100_000]) found.add((await rolled(flagAt(share), user(key))).movesAt);
      t.equal(found.size, 1, 'whatever the percentage is now');
      const share = Math.round(([...found][0] ?? Number.NaN) * 1000);
      const at = async (value: number) => (await explained(flagAt(value), user(key))).evaluation.value;
      t.same([await at(share - 1), await at(share)], ['v0', 'v1'], `${name}, ${key}: ${share / 1000} %`);
    }
});

const treatmentsAround = (share: number) =>
  flagOf({ variations: inOrder([1, share / 4], [0, 100_000 - share], [2, (share * 3) / 4]) });

await t.test('movesAt between two treatments that grow together', async (t) => {
  for (const key of ['ann', 'bob', 'eve', 'user-1', 'user-2', 'user-3', 'user-4', 'user-5']) {
    const { movesAt = Number.NaN } = await rolled(treatmentsAround(40_000), user(key));
    const at = async (value: number) =>
      (await explained(treatmentsAround(value), user(key))).evaluation.value;
    const below = Math.floor((movesAt * 1000 - 4) / 4) * 4;
    t.equal(await at(below), 'v0', `${key} just below ${movesAt} %`);
    t.not(await at(below + 8), 'v0', `${key} just above`);
  }
});

await t.test('without a usable value the bucket is 0: with the control first it moves last', async (t) => {
  const device = { contextKind: 'device', variations: inOrder([0, 75_000], [1, 25_000]) };
  t.match(await rolled(flagOf(device), user('ann')), {
    bucket: 0,
    value: undefined,
    movesAt: 100,
    contextKind: 'device',
  });
  const first = { contextKind: 'device', variations: inOrder([1, 25_000], [0, 75_000]) };
  t.match(await rolled(flagOf(first), user('ann')), { bucket: 0, movesAt: 0.001 });
});

await t.test('what is shown of a rollout', async (t) => {
  const shown = await rolled(flagOf({ variations: inOrder([0, 75_000], [1, 25_000]) }), user('ann'));
  t.match(shown, {
    by: 'FALLTHROUGH',
    prefix: 'api.salt',
    contextKind: 'user',
    bucketBy: 'key',
    value: 'ann',
  });
  t.same(shown.ranges, [
    { variation: 0, version: 'v0', from: 0, to: 75 },
    { variation: 1, version: 'v1', from: 75, to: 100 },
  ]);
  t.match(await rolled(flagOf({ seed: 61, variations: inOrder([0, 100_000]) }), user('ann')), {
    prefix: '61',
    movesAt: undefined,
  });
});

await t.test(
  'movesAt is unknown where the control is not one of the variations, or is there twice',
  async (t) => {
    const variations = inOrder([0, 50_000], [1, 50_000]);
    t.equal((await rolled(flagOf({ variations }), user('ann'), 'v9')).movesAt, undefined);
    const twice = inOrder([0, 30_000], [1, 40_000], [0, 30_000]);
    t.equal((await rolled(flagOf({ variations: twice }), user('ann'))).movesAt, undefined);
  },
);

await t.test('a rule with a rollout of its own', async (t) => {
  const rule = {
    clauses: [{ attribute: 'plan', op: 'in', values: ['pro'] }],
    rollout: { variations: inOrder([0, 10_000], [1, 90_000]) },
  };
  const flag = flagOf({ variations: inOrder([0, 100_000]) }, { rules: [rule] });
  t.match(await rolled(flag, user('ann', { plan: 'pro' })), {
    by: 'RULE_MATCH',
    ranges: [{ to: 10 }, { to: 100 }],
  });
  t.match(await rolled(flag, user('ann')), { by: 'FALLTHROUGH', ranges: [{ to: 100 }] });
});

await t.test('where no percentage decides, it says what does', async (t) => {
  const flag = flagOf({ variations: inOrder([0, 100_000]) });
  const targets = [{ variation: 1, values: ['ann'] }];
  const rules = [{ variation: 1, clauses: [{ attribute: 'plan', op: 'in', values: ['pro'] }] }];
  const cases: [string, FlagData, EvaluationContext][] = [
    ['OFF', { ...flag, on: false }, user('ann')],
    ['TARGET_MATCH', Object.assign({ ...flag }, { targets }), user('ann')],
    ['RULE_MATCH', { ...flag, rules }, user('bob', { plan: 'pro' })],
    ['FALLTHROUGH', { ...flag, fallthrough: { variation: 1 } }, user('bob')],
    ['ERROR', flag, user('')],
  ];
  for (const [by, given, context] of cases)
    t.same((await explained(given, context)).explanation, { kind: 'fixed', by });
});

await t.test('an evaluation of another version of the flag is not explained', async (t) => {
  const evaluation = {
    value: 'v1',
    variationIndex: 1,
    reason: { kind: 'RULE_MATCH', ruleIndex: 3 },
  } as const;
  t.equal(
    explainBucket(flagOf({ variations: inOrder([0, 100_000]) }), user('ann'), evaluation, 'v0'),
    undefined,
  );
});
