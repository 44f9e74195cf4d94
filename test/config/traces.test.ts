import t from 'tap';
import { load, minimal, problemsOf } from '../support/config.ts';

await t.test('no trace is started unless asked for', async (t) => {
  t.same((await load(minimal)).config?.traces, { start: 'off' });
  t.same((await load(`${minimal}traces: {}`)).config?.traces, { start: 'off' });
  for (const start of ['off', 'sampled', 'unsampled'])
    t.same((await load(`${minimal}traces: { start: ${start} }`)).config?.traces, { start });
});

await t.test('another word is a mistake', async (t) => {
  t.match(await problemsOf(`${minimal}traces: { start: always }`), [
    /^3:18 traces\.start: found "always"; expected one of off, sampled, unsampled$/,
  ]);
});

const flags = (more: string) => `${minimal}flags: { source: launchdarkly, sdkKey: k${more} }`;

await t.test("LaunchDarkly's hook is off unless asked for, and LaunchDarkly's alone", async (t) => {
  t.match((await load(flags(''))).config?.flags, { tracingHook: false });
  t.match((await load(flags(', tracingHook: true'))).config?.flags, { tracingHook: true });
  t.match(await problemsOf(`${minimal}flags: { source: local, tracingHook: true }`), [/tracingHook/]);
});
