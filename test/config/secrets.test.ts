import t from 'tap';
import { minimal, problemsOf } from '../support/config.ts';

const secret = 'hunter2-hunter2';

await t.test('no error shows what came from the environment', async (t) => {
  const lines = [
    'listen: ${S}',
    'admin: { address: "${S}", token: "${S}" }',
    'flags: { source: "${S}" }',
    'flags: { source: launchdarkly, sdkKey: x, relay: "http://u:${S}@h", initTimeout: "${S}" }',
    'log: { level: "${S}", access: "${S}" }',
    'trustedProxies: ["${S}"]',
    'override: { secret: x, header: "${S} " }',
    'context: { user: { private: ["${S}"], anonymous: "${S}" } }',
  ];
  for (const line of lines) {
    const problems = await problemsOf(minimal + line, { S: secret });
    t.not(problems.length, 0, line);
    t.notMatch(problems.join('\n'), secret, line);
    t.match(problems.join('\n'), '${S}', line);
  }
  const routes = `upstreams: { v0: { url: "http://a/?\${S}" } }
routes:
  - { name: "\${S}", upstream: "\${S}" }
  - { name: "\${S}", match: { path: "\${S}" }, flag: f, versions: { 0: "\${S}" }, default: "\${S}" }`;
  const problems = await problemsOf(routes, { S: secret });
  t.equal(problems.length, 6);
  t.notMatch(problems.join('\n'), secret);
});

await t.test('nor a secret that stands in the file', async (t) => {
  const password = `upstreams: { v0: { url: "http://user:${secret}@example.com" } }\nroutes: [{ name: r, upstream: v0 }]`;
  const [problem = ''] = await problemsOf(password);
  t.match(
    problem,
    'found "http://…@example.com"; expected an http:// or https:// address without credentials',
  );
  t.strictSame(await problemsOf(`${minimal}override: { secret: 12345678 }`), [
    '3:21 override.secret: found a number; expected a text, or an empty one',
  ]);
  t.strictSame(await problemsOf(`${minimal}flags: { source: launchdarkly, sdkKey: 12345678 }`), [
    '3:40 flags.sdkKey: found a number; expected a text that is not empty',
  ]);
  t.strictSame(await problemsOf(`${minimal}admin: { address: 127.0.0.1:1, token: 12345678 }`), [
    '3:39 admin.token: found a number; expected a text that is not empty',
  ]);
});
