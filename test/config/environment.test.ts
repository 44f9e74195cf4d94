import t from 'tap';
import { load, minimal, problemsOf } from '../support/config.ts';

const level = async (value: string, env: Record<string, string> = {}) => {
  const { config, problems } = await load(
    `${minimal}context: { user: { attributes: { a: { query: ${value} } } } }`,
    env,
  );
  const source = config?.context[0]?.attributes[0]?.source;
  return source?.from === 'query' ? source.name : problems;
};

await t.test('variables fill in the text of a value', async (t) => {
  t.equal(await level('"${A}"', { A: 'x' }), 'x');
  t.equal(await level('"<${A}-${B}>"', { A: 'x', B: 'y' }), '<x-y>');
  t.equal(await level('"${A:-d}"'), 'd');
  t.equal(await level('"${A:-d}"', { A: '' }), 'd', 'as a shell does it');
  t.equal(await level('"${A:-http://x:80/}"'), 'http://x:80/');
  t.equal(await level("'$${A}'", { A: 'x' }), '${A}', 'escaped');
  t.equal(await level('"$A$"', { A: 'x' }), '$A$');
  t.equal(await level('"${A}"', { A: '${B}', B: 'x' }), '${B}', 'a value is not looked at again');
});

await t.test('a value cannot become structure', async (t) => {
  const hostile = [
    '{ x: 1 }',
    '- a',
    'a: b\nlisten: 0.0.0.0:1',
    '"',
    '*alias',
    '!tag',
    '# no',
    '$&',
    "$'",
    '__proto__',
  ];
  for (const A of hostile) t.equal(await level('"${A}"', { A }), A);
});

await t.test('names that every object has are not set', async (t) => {
  t.match(await level('"${toString}"'), [/^3:.* the environment variable toString is not set;/]);
  t.match(await level('"${__proto__}"'), [/^3:.* the environment variable __proto__ is not set;/]);
});

await t.test('a missing variable is named, with a way to mend it', async (t) => {
  t.strictSame(
    await problemsOf(`${minimal}listen: \${TRENCHCOAT_UNSET}\nadmin: \${TRENCHCOAT_UNSET_TOO}:9901\n`),
    [
      '3:9 listen: the environment variable TRENCHCOAT_UNSET is not set; set it, or give a default: ${TRENCHCOAT_UNSET:-default}',
      '4:8 admin: the environment variable TRENCHCOAT_UNSET_TOO is not set; set it, or give a default: ${TRENCHCOAT_UNSET_TOO:-default}',
    ],
  );
});

await t.test('what is no reference', async (t) => {
  const wrong = 'listen: `${` must be `${NAME}` or `${NAME:-default}`; for a literal write `$${`';
  for (const text of ['${', '${A', '${}', '${1}', '${A:?x}', '${A-b}', '${ A }'])
    t.strictSame(await problemsOf(`${minimal}listen: "${text}"`), [`3:9 ${wrong}`], text);
});

await t.test('keys are never replaced', async (t) => {
  const [problem] = await problemsOf(`${minimal}"\${A}": 1`, { A: 'log' });
  t.match(problem, '3:1 ["${A}"]: unknown key');
});

await t.test('numbers and booleans, where they are wanted', async (t) => {
  const yaml = `${minimal}log: { access: "\${ACCESS}" }\nlimits: { headerCount: "\${COUNT}" }\n`;
  const { config } = await load(yaml, { ACCESS: 'false', COUNT: '12' });
  t.equal(config?.log.access, false);
  t.equal(config?.limits.headerCount, 12);
  t.strictSame(await problemsOf(yaml, { ACCESS: 'nope', COUNT: '0' }), [
    '3:16 log.access: found the value of ${ACCESS}; expected true or false',
    '4:24 limits.headerCount: found the value of ${COUNT}; expected a number of at least 1',
  ]);
  t.strictSame(
    await problemsOf(`${minimal}limits: { headerCount: "12" }`),
    ['3:24 limits.headerCount: found "12"; expected a number'],
    'but not of a text in the file',
  );
});

await t.test('more than a file could hold', async (t) => {
  const yaml = `${minimal}trustedProxies: [${'"${BIG}",'.repeat(20)}]`;
  t.match(await problemsOf(yaml, { BIG: 'x'.repeat(100_000) }), [
    /the environment fills in more than 1 MiB$/,
  ]);
});
