import t from 'tap';
import { minimal, problemsOf } from '../support/config.ts';

await t.test('every syntax error is told', async (t) => {
  t.strictSame(await problemsOf(`${minimal}a: "\\q\\z"\nb: 'x\n`), [
    '3:5 not YAML: invalid escape sequence \\q',
    '3:7 not YAML: invalid escape sequence \\z',
    "5:1 not YAML: missing closing 'quote",
  ]);
});

await t.test('parts of YAML that are not read', async (t) => {
  const cases: Record<string, string> = {
    '---\na: 1\n': '3:1 a second document begins here; a file holds one',
    'log: !foo {}\n': '3:6 unknown tag !foo; remove it',
    'log: !!js/function x\n': '3:6 unknown tag !!js/function; remove it',
    'log:\n\tlevel: info\n': '4:1 a tab cannot indent; use spaces',
  };
  for (const [yaml, problem] of Object.entries(cases))
    t.strictSame(await problemsOf(minimal + yaml), [problem]);
  t.strictSame(await problemsOf(`%YAML 1.1\n---\n${minimal}`), [
    '1:1 only YAML 1.2 is read; remove the %YAML line',
  ]);
});

await t.test('keys that are not read', async (t) => {
  const word = 'a key must be a word, not a list, a map, an alias or nothing';
  t.strictSame(
    await problemsOf(
      `${minimal}__proto__: { a: 1 }\n<<: { a: 1 }\n? [a]\n: 1\n? {}\n: 1\n~: 1\n? &x x\n: 1\n*x : 2`,
    ),
    [
      '3:1 `__proto__` is not allowed as a key',
      '4:1 merge keys (`<<`) are not read; write the keys out',
      `5:3 ${word}`,
      `7:3 ${word}`,
      `9:1 ${word}`,
      '10:6 x: unknown key; allowed: listen, admin, context, flags, rollouts, state, upstreams, routes, trustedProxies, override, notify, log, traces, limits, shutdown, workers',
      `12:1 ${word}`,
    ],
  );
});

await t.test('a key that is there twice', async (t) => {
  t.strictSame(await problemsOf(`${minimal}log: {}\nlimits: {}\nlog: {}\n`), [
    '5:1 log: the key "log" was already given on line 3',
  ]);
  t.strictSame(
    await problemsOf(`upstreams: { v0: { url: http://a } }
routes: [{ name: r, flag: f, versions: { 0: v0, "0": v0 }, default: 0 }]`),
    ['2:49 routes[0].versions.0: the key "0" was already given on line 2'],
    'once both are text',
  );
});

await t.test('anchors and aliases are read, strays are not', async (t) => {
  const anchored = `upstreams: { v0: &up { url: http://a }, v1: *up }\nroutes: [{ name: r, upstream: v1 }]\n`;
  t.strictSame(await problemsOf(anchored), []);
  t.strictSame(await problemsOf(`${minimal}log: *gone\n`), ['3:6 log: no anchor &gone before this']);
  t.strictSame(await problemsOf(`${minimal}log: &me { level: *me }\n`), [
    '3:19 log.level: *me stands inside itself',
  ]);
});

await t.test('no map at all', async (t) => {
  t.strictSame(await problemsOf(''), ['1:1 the file is empty']);
  t.strictSame(await problemsOf('# nothing\n'), ['1:1 the file is empty']);
  t.strictSame(await problemsOf('hello'), ['1:1 found "hello"; expected a map']);
  t.strictSame(await problemsOf('- a'), ['1:1 found a list; expected a map']);
  t.strictSame(await problemsOf('null'), ['1:1 found nothing; expected a map']);
});
