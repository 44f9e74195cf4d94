import t from 'tap';
import { keptLog, opened, openedFile, user } from '../support/flags.ts';

const flags = `
flagValues:
  number: 2
  text: two
  truth: true
segments:
  testers:
    included: [ann]
    excluded: [eve]
    rules:
      - clauses: [{ attribute: plan, op: in, values: [beta] }]
flags:
  off: { on: false, variations: [v0, v1], offVariation: 0 }
  off-without-variation: { on: false, variations: [v0] }
  targets:
    on: true
    variations: [v0, v1]
    fallthrough: { variation: 0 }
    targets: [{ variation: 1, values: [ann, bob] }]
    contextTargets:
      - { contextKind: user, variation: 1 }
      - { contextKind: org, variation: 1, values: [acme] }
  rules:
    on: true
    variations: [v0, v1, v2]
    fallthrough: { variation: 0 }
    rules:
      - { variation: 1, clauses: [{ attribute: plan, op: startsWith, values: [pro] }, { attribute: age, op: greaterThan, values: [17] }] }
      - { variation: 2, clauses: [{ contextKind: org, attribute: /address/country, op: in, values: [NL] }] }
      - { variation: 1, clauses: [{ attribute: version, op: semVerLessThan, values: [2.0.0], negate: true }] }
  segment:
    on: true
    variations: [false, true]
    fallthrough: { variation: 0 }
    rules: [{ variation: 1, clauses: [{ op: segmentMatch, values: [testers] }] }]
  prerequisite:
    on: true
    variations: [0, 1]
    offVariation: 0
    fallthrough: { variation: 1 }
    prerequisites: [{ key: targets, variation: 1 }, { key: number, variation: 0 }]
  by-org:
    on: true
    variations: [0, 1]
    fallthrough:
      rollout: { contextKind: org, variations: [{ variation: 0, weight: 1 }, { variation: 1, weight: 99999 }] }
`;

const org = (key: string, attributes: object = {}) => ({ kind: 'org', key, ...attributes });
const both = (userKey: string, orgKey: string, attributes: object = {}) => ({
  kind: 'multi' as const,
  user: { key: userKey },
  org: { key: orgKey, ...attributes },
});

await t.test('flags of a file, evaluated', async (t) => {
  const { provider } = await openedFile(t, flags);
  for (const [flag, context, value, reason] of [
    ['number', user('1'), 2, { kind: 'FALLTHROUGH' }],
    ['text', user('1'), 'two', { kind: 'FALLTHROUGH' }],
    ['truth', user('1'), true, { kind: 'FALLTHROUGH' }],
    ['off', user('1'), 'v0', { kind: 'OFF' }],
    ['off-without-variation', user('1'), 'default', { kind: 'OFF' }],
    ['targets', user('ann'), 'v1', { kind: 'TARGET_MATCH' }],
    ['targets', user('zoe'), 'v0', { kind: 'FALLTHROUGH' }],
    ['targets', org('acme'), 'v1', { kind: 'TARGET_MATCH' }],
    ['targets', both('zoe', 'acme'), 'v1', { kind: 'TARGET_MATCH' }],
    ['targets', both('acme', 'other'), 'v0', { kind: 'FALLTHROUGH' }],
    ['rules', user('1', { plan: 'pro-2', age: 18 }), 'v1', { kind: 'RULE_MATCH', ruleIndex: 0 }],
    ['rules', user('1', { plan: 'pro-2', age: 17 }), 'v0', { kind: 'FALLTHROUGH' }],
    ['rules', both('1', 'o', { address: { country: 'NL' } }), 'v2', { kind: 'RULE_MATCH', ruleIndex: 1 }],
    ['rules', user('1', { version: '2.1.0' }), 'v1', { kind: 'RULE_MATCH', ruleIndex: 2 }],
    ['rules', user('1', { version: '1.9.9' }), 'v0', { kind: 'FALLTHROUGH' }],
    ['segment', user('ann'), true, { kind: 'RULE_MATCH', ruleIndex: 0 }],
    ['segment', user('eve', { plan: 'beta' }), false, { kind: 'FALLTHROUGH' }],
    ['segment', user('1', { plan: 'beta' }), true, { kind: 'RULE_MATCH', ruleIndex: 0 }],
    ['prerequisite', user('ann'), 1, { kind: 'FALLTHROUGH' }],
    ['prerequisite', user('zoe'), 0, { kind: 'PREREQUISITE_FAILED' }],
    ['by-org', org('acme'), 1, { kind: 'FALLTHROUGH' }],
    ['by-org', user('1'), 0, { kind: 'FALLTHROUGH' }],
    ['nowhere', user('1'), 'default', { kind: 'ERROR', errorKind: 'FLAG_NOT_FOUND' }],
    ['__proto__', user('1'), 'default', { kind: 'ERROR', errorKind: 'FLAG_NOT_FOUND' }],
    ['number', user(''), 'default', { kind: 'ERROR', errorKind: 'USER_NOT_SPECIFIED' }],
    ['number', { kind: 'a kind', key: '1' }, 'default', { kind: 'ERROR', errorKind: 'USER_NOT_SPECIFIED' }],
  ] as const)
    t.match(
      await provider.evaluate(flag, context, 'default'),
      { value, reason },
      `${flag} for ${JSON.stringify(context)}`,
    );
  t.equal((await provider.evaluate('nowhere', user('1'), 'default')).variationIndex, undefined);
  t.equal((await provider.evaluate('off-without-variation', user('1'), 'default')).variationIndex, undefined);
});

await t.test('a context that throws when read is an error with the default, not a rejection', async (t) => {
  const { provider } = await openedFile(t, flags);
  const context = Object.defineProperty(user('1'), 'plan', {
    get() {
      throw new Error('no plan');
    },
  });
  t.same(await provider.evaluate('rules', context, 0), {
    value: 0,
    variationIndex: undefined,
    reason: { kind: 'ERROR', errorKind: 'EXCEPTION' },
  });
});

await t.test('an unknown flag is said once, however often it is asked for', async (t) => {
  const log = keptLog();
  const { provider } = await openedFile(t, 'flagValues: { a: 1 }', log);
  for (let count = 0; count < 1000; count += 1) await provider.evaluate('nowhere', user('1'), 0);
  t.equal(log.said(/nowhere/).length, 1);
});

await t.test('without a file every flag is unknown, and that is no fault', async (t) => {
  const provider = await opened(t, { source: 'local' });
  t.match(await provider.evaluate('a', user('1'), 7), { value: 7, reason: { errorKind: 'FLAG_NOT_FOUND' } });
  t.match(provider.state(), { initialized: true, healthy: true, detail: /no flag file/ });
  t.equal(provider.flagData('a'), undefined);
});
