import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { fixedFlag } from '../support/flags.ts';
import { runFlagsChild } from '../support/flags-child.ts';
import { launchDarklyStub } from '../support/launchdarkly-stub.ts';
import { skipWithoutRedis, startRedis } from '../support/redis.ts';

const tracked = { ...fixedFlag('api', 'v1'), trackEvents: true };

t.jobs = 4;

void t.test('a process that closed a watched file ends by itself', { buffered: true }, async (t) => {
  const file = join(t.testdir(), 'flags.json');
  writeFileSync(file, JSON.stringify({ flagValues: { api: 'v1' } }));
  const { end, lingered } = await runFlagsChild({ file });
  t.same(end, { value: 'v1', code: 0, signal: null });
  t.ok(lingered < 3000, `${lingered} ms`);
});

void t.test('and one that closed LaunchDarkly', { buffered: true }, async (t) => {
  const stub = await launchDarklyStub({ flags: { api: tracked } });
  t.teardown(stub.close);
  const { end, lingered } = await runFlagsChild({ relay: stub.url.href });
  t.same(end, { value: 'v1', code: 0, signal: null });
  t.ok(lingered < 3000, `${lingered} ms`);
  t.match(stub.events(), [{ kind: 'index' }, { kind: 'feature' }, { kind: 'summary' }]);
});

void t.test('and one whose events nobody takes', { buffered: true }, async (t) => {
  const stub = await launchDarklyStub({ flags: { api: tracked } });
  t.teardown(stub.close);
  stub.behaviour.takesEvents = false;
  const { end, lingered } = await runFlagsChild({ relay: stub.url.href, deadline: 200 });
  t.same(end, { value: 'v1', code: 0, signal: null });
  t.ok(lingered < 10_000, `${lingered} ms`);
});

void t.test('and one that never reached LaunchDarkly', { buffered: true }, async (t) => {
  const stub = await launchDarklyStub({ flags: {} });
  await stub.close();
  const { end, lingered } = await runFlagsChild({ relay: stub.url.href, deadline: 200 });
  t.same(end, { value: 'default', code: 0, signal: null });
  t.ok(lingered < 10_000, `${lingered} ms`);
});

void t.test('and one whose store hangs', { buffered: true, skip: skipWithoutRedis() }, async (t) => {
  const stub = await launchDarklyStub({ flags: { api: tracked } });
  t.teardown(stub.close);
  const redis = await startRedis(t);
  redis.stall();
  for (const [daemon, value] of [
    [false, 'v1'],
    [true, 'default'],
  ] as const) {
    const { end, lingered } = await runFlagsChild({ relay: stub.url.href, store: redis.url, daemon });
    t.same(end, { value, code: 0, signal: null });
    t.ok(lingered < 1900, `${lingered} ms`);
  }
});
