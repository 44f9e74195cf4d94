import t from 'tap';
import { minimal, problemsOf } from '../support/config.ts';

const text = (advice: string) =>
  `\${…} inside { } or [ ] is a map to YAML unless quoted; quote it: ${advice}`;

await t.test('an unquoted reference in a flow map or list says how to quote it', async (t) => {
  const cases: [string, string, string][] = [
    ['log: { level: ${API} }', '3:15', '{ level: "${API}" }'],
    ['log: {level: ${API}, access: true}', '3:14', '{ level: "${API}" }'],
    ['log: { level: a${API:-http://x:80/}b }', '3:15', '{ level: "a${API:-http://x:80/}b" }'],
    ['trustedProxies: [${API}]', '3:18', '"${API}"'],
    ['trustedProxies: [ ${A}${B} ]', '3:19', '"${A}${B}"'],
  ];
  for (const [line, place, advice] of cases)
    t.strictSame(await problemsOf(minimal + line, { API: 'info' }), [`${place} ${text(advice)}`], line);
});

await t.test('each is found, and what is wrong beside them too', async (t) => {
  t.strictSame(await problemsOf(`${minimal}log: { level: \${A}, acces: \${B} }\nlisten: 3\n`), [
    `3:15 ${text('{ level: "${A}" }')}`,
    '3:21 log.acces: unknown key; did you mean `access`?; allowed: level, format, access',
    `3:28 ${text('{ acces: "${B}" }')}`,
    '4:9 listen: found 3 (a number); expected HOST:PORT, such as 0.0.0.0:8080 or [::]:8080, or a map',
  ]);
});

await t.test('in a block it needs no quotes', async (t) => {
  t.strictSame(await problemsOf(`${minimal}listen: \${A}\n`, { A: '127.0.0.1:0' }), []);
});
