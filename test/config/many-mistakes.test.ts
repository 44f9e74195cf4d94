import t from 'tap';
import { problemsOf } from '../support/config.ts';

const upstreams = (count: number) =>
  `upstreams:\n${Array.from({ length: count }, (_, n) => `  upstream-${n}: { url: "http://a" }\n`).join('')}`;
const routes = (count: number, version: (n: number) => string) =>
  `routes:\n${Array.from({ length: count }, (_, n) => `- { name: r${n}, match: { path: /${n} }, upstream: ${version(n)} }\n`).join('')}`;

await t.test('a few are all listed, and the nearest is named', async (t) => {
  t.same(await problemsOf(upstreams(3) + routes(1, () => 'upstrem-1')), [
    '6:46 routes[0].upstream: "upstrem-1" is not one of the upstreams; did you mean `upstream-1`?; allowed: upstream-0, upstream-1, upstream-2',
  ]);
});

await t.test('of many the first are listed', async (t) => {
  const [problem] = await problemsOf(upstreams(27) + routes(1, () => 'none'));
  t.match(problem, /allowed: upstream-0, [^;]*, upstream-19 and 7 more$/);
});

await t.test('thousands of unknown names among thousands take seconds, not minutes', async (t) => {
  const started = performance.now();
  const problems = await problemsOf(upstreams(8000) + routes(8000, (n) => `upstraem-${n}`));
  const took = performance.now() - started;
  t.equal(problems.length, 101);
  t.match(problems.at(-1), 'and 7900 more');
  t.ok(problems.join('\n').length < 100_000, 'a message that can be read');
  t.ok(took < 15_000, `${took} ms`);
});
