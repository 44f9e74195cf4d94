import t, { type Test } from 'tap';
import { openLaunchDarkly } from '../../src/flags/launchdarkly.ts';
import type { EvaluationContext } from '../../src/identity/context.ts';
import type { FlagProvider } from '../../src/flags/provider.ts';
import { keptLog, launchDarklyAt, openedFile, user } from '../support/flags.ts';
import { launchDarklyStub } from '../support/launchdarkly-stub.ts';

const flag = (key: string, more: object = {}) => ({
  key,
  version: 1,
  salt: 'a-salt',
  on: true,
  variations: [0, 1],
  offVariation: 0,
  fallthrough: { variation: 1 },
  trackEvents: true,
  ...more,
});

const rule = { id: 'r', clauses: [{ attribute: 'plan', op: 'in', values: ['gold'] }], variation: 0 };
const flags = [
  flag('fall-through'),
  flag('off', { on: false }),
  flag('off without a variation', { on: false, offVariation: null }),
  flag('target', { targets: [{ values: ['alice'], variation: 0 }] }),
  flag('rule', { rules: [rule] }),
  flag('experiment', {
    fallthrough: { rollout: { kind: 'experiment', variations: [{ variation: 1, weight: 100_000 }] } },
  }),
  flag('prerequisite met', { prerequisites: [{ key: 'rule', variation: 1 }] }),
  flag('prerequisite off', { prerequisites: [{ key: 'off', variation: 0 }] }),
  flag('prerequisite missing', {
    prerequisites: [{ key: 'nothing', variation: 0 }],
    offVariation: undefined,
  }),
  flag('its own prerequisite', { prerequisites: [{ key: 'its own prerequisite', variation: 0 }] }),
  flag('no such variation', { fallthrough: { variation: 9 } }),
  flag('no fall-through', { fallthrough: null }),
  flag('no variations', { variations: undefined }),
  flag('null', { variations: [null], fallthrough: { variation: 0 } }),
];
const contexts: EvaluationContext[] = [
  user('alice'),
  user('bob', { plan: 'gold' }),
  user('carl'),
  user(''),
  { kind: 'multi', user: { key: 'alice' }, device: { key: 'd' } },
  { kind: 'not a kind!', key: 'x' },
];

async function compare(
  t: Test,
  { evaluate, peek }: Pick<FlagProvider, 'evaluate' | 'peek'>,
): Promise<Set<string>> {
  const reasons = new Set<string>();
  for (const key of [...flags.map((one) => one.key), 'unknown'])
    for (const context of contexts) {
      const peeked = await peek(key, context, 'fallback');
      t.strictSame(peeked, await evaluate(key, context, 'fallback'), `${key} for ${JSON.stringify(context)}`);
      reasons.add(peeked.reason.errorKind ?? peeked.reason.kind);
    }
  return reasons;
}

await t.test('a peek is an evaluation, with LaunchDarkly', async (t) => {
  const stub = await launchDarklyStub({ flags: Object.fromEntries(flags.map((one) => [one.key, one])) });
  t.teardown(stub.close);
  const provider = await openLaunchDarkly(launchDarklyAt(stub.url, { events: true }), keptLog());
  t.teardown(() => provider.close(0));
  const reasons = await compare(t, provider);
  t.strictSame([...reasons].toSorted(), [
    'EXCEPTION',
    'FALLTHROUGH',
    'FLAG_NOT_FOUND',
    'MALFORMED_FLAG',
    'OFF',
    'PREREQUISITE_FAILED',
    'RULE_MATCH',
    'TARGET_MATCH',
    'USER_NOT_SPECIFIED',
  ]);
});

await t.test('and with a file', async (t) => {
  const { provider } = await openedFile(
    t,
    JSON.stringify({ flags: { fine: { ...flag('fine'), trackEvents: undefined } } }),
  );
  await compare(t, provider);
  t.match(await provider.peek('fine', user('x'), 0), { value: 1, reason: { kind: 'FALLTHROUGH' } });
});

await t.test('a peek tells nobody, where an evaluation does', async (t) => {
  const stub = await launchDarklyStub({ flags: Object.fromEntries(flags.map((one) => [one.key, one])) });
  t.teardown(stub.close);
  const provider = await openLaunchDarkly(launchDarklyAt(stub.url, { events: true }), keptLog());
  for (const { key } of flags) await provider.peek(key, user('peeked'), 0);
  await provider.peek('unknown', user('peeked'), 0);
  await provider.evaluate('rule', user('evaluated'), 0);
  await provider.close(2000);
  t.notMatch(JSON.stringify(stub.events()), 'peeked');
  t.match(JSON.stringify(stub.events()), 'evaluated');
  t.strictSame(
    stub.events().flatMap(({ kind, features }) => (kind === 'summary' ? Object.keys(features ?? {}) : [])),
    ['rule'],
  );
});

await t.test('before flags have come, a peek says so', async (t) => {
  const stub = await launchDarklyStub({ flags: {} });
  t.teardown(stub.close);
  stub.behaviour.delay = undefined;
  const provider = await openLaunchDarkly(
    launchDarklyAt(stub.url, { events: true, initTimeout: 50 }),
    keptLog(),
  );
  t.teardown(() => provider.close(0));
  t.match(await provider.peek('rule', user('x'), 0), {
    value: 0,
    reason: { kind: 'ERROR', errorKind: 'CLIENT_NOT_READY' },
  });
});
