import t from 'tap';
import { minimal, problemsOf } from '../support/config.ts';

await t.test('a typo is answered with the nearest key and all that are known', async (t) => {
  t.strictSame(await problemsOf(`${minimal}lisen: 127.0.0.1:1\n`), [
    '3:1 lisen: unknown key; did you mean `listen`?; allowed: listen, admin, context, flags, rollouts, state, upstreams, ' +
      'routes, trustedProxies, override, notify, log, traces, limits, shutdown, workers',
  ]);
});

await t.test('keys are those of the place where they stand', async (t) => {
  t.strictSame(await problemsOf(`${minimal}flags: { source: launchdarkly, sdkKey: x, initTimeot: 5s }\n`), [
    '3:43 flags.initTimeot: unknown key; did you mean `initTimeout`?; allowed: source, sdkKey, relay, uris, proxy, ' +
      'initTimeout, events, metricSampling, store, daemon, tracingHook',
  ]);
  t.strictSame(await problemsOf(`${minimal}flags: { source: local, sdkKey: x }\n`), [
    '3:25 flags.sdkKey: unknown key; allowed: source, file',
  ]);
  t.strictSame(await problemsOf(`${minimal}context:\n  user:\n    key:\n      - coookie: uid\n`), [
    '6:9 context.user.key[0].coookie: unknown key; did you mean `cookie`?; allowed: cookie, header, query, jwt, hash',
  ]);
});

await t.test('capitals are no other word', async (t) => {
  const [problem] = await problemsOf(`${minimal}limits: { HEADERBYTES: 1KiB }\n`);
  t.match(problem, 'did you mean `headerBytes`?');
});

await t.test('a word like no other gets no advice', async (t) => {
  const [problem] = await problemsOf(`${minimal}zzzzzzzzzzzz: 1\n`);
  t.match(problem, '3:1 zzzzzzzzzzzz: unknown key; allowed: listen');
});
