import t, { type Test } from 'tap';
import { guard } from '../../src/config/guard-schema.ts';
import { startGuard } from '../../src/guard/start.ts';
import { begun, tripKind, tripped } from '../../src/guard/trip.ts';
import { memoryStore } from '../../src/store/memory-store.ts';
import { until } from '../support/client.ts';
import { manualClock, minute } from '../support/clock.ts';
import { keptLog, launchDarklyAt } from '../support/flags.ts';
import { launchDarklyRest } from '../support/launchdarkly-rest-stub.ts';
import { load } from '../support/config.ts';
import { aRegression } from '../support/regression.ts';

/** A proxy that starts this long after it had tripped, and was cut short before anybody outside was told. */
async function startedAfter(t: Test, milliseconds: number) {
  const stub = await launchDarklyRest(t);
  const { flag, ...names } = stub.names;
  const clock = manualClock();
  const store = memoryStore(clock);
  const regression = aRegression({ flag, at: clock.now() });
  const record = tripped(
    begun(flag, clock.now(), '00000000'),
    { regression, at: clock.now(), knew: 1 },
    '00000001',
  );
  await store.write(tripKind, record, '');
  clock.jump(milliseconds);
  const { config } = await load(
    'upstreams: { a: { url: http://127.0.0.1:1 }, b: { url: http://127.0.0.1:2 } }\n' +
      'routes: [{ name: r, flag: f, versions: { v0: a, v1: b }, default: v0 }]\n',
  );
  const [route] = config?.routes ?? [];
  if (config === undefined || route?.kind !== 'flag') throw new Error('no route');
  const launchdarkly = { ...names, url: stub.url };
  const guarding = await startGuard({
    config: {
      ...config,
      flags: launchDarklyAt(new URL('http://127.0.0.1:1')),
      routes: [{ ...route, flag, guard: { ...guard.parse({}), launchdarkly } }],
    },
    store,
    clock,
    log: keptLog(),
    common: keptLog(),
    judging: 'what it saw',
    hex: (digits) => '0'.repeat(digits),
    rollouts: undefined,
    scheduled: () => undefined,
    found: () => {},
    stage: () => null,
    random: () => 1,
  });
  t.teardown(() => guarding.close());
  t.equal(guarding.overrides(flag), true, 'the override holds, however old it is');
  return { stub, guarding };
}

await t.test('a trip that was cut short is carried to LaunchDarkly after the start', async (t) => {
  const { stub } = await startedAfter(t, minute);
  await until(() => !stub.state.on, 'the flag to be off');
});

await t.test('an old one is not: a person may have turned the flag on again, there', async (t) => {
  const { stub, guarding } = await startedAfter(t, 60 * minute);
  t.equal(guarding.list()[0]?.launchdarkly, undefined);
  await new Promise((resolve) => setTimeout(resolve, 200));
  t.same(stub.seen, []);
  t.equal(stub.state.on, true);
});
