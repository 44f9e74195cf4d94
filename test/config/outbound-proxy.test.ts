import t from 'tap';
import { load, minimal, problemsOf } from '../support/config.ts';

const flags = (more: string) => `${minimal}flags: { source: launchdarkly, sdkKey: key, ${more} }\n`;

await t.test('the outbound proxy may want credentials; no other address may hold them', async (t) => {
  const { config } = await load(flags('proxy: "http://user:pass@proxy.example:3128"'));
  t.match(config?.flags, { proxy: { username: 'user', password: 'pass', host: 'proxy.example:3128' } });
  t.match(await problemsOf(flags('relay: "http://user:pass@relay.example"')), [
    /flags\.relay: .*without credentials/,
  ]);
  const problems = await problemsOf(flags('proxy: "socks://user:hunter2@proxy.example"'));
  t.match(problems, [/flags\.proxy: .*expected an http:\/\/ or https:\/\/ address/]);
  t.notMatch(problems.join(), /hunter2/);
});

await t.test('an SDK key that could break a header is refused', async (t) => {
  const problems = await problemsOf(`${minimal}flags: { source: launchdarkly, sdkKey: "a\\r\\nb" }`);
  t.match(problems, [/flags\.sdkKey: .*visible ASCII/]);
});
