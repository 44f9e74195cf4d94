import t from 'tap';
import { problemsOf } from '../support/config.ts';

await t.test('what is missing is told where it should stand', async (t) => {
  t.strictSame(await problemsOf('log: {}\nupstreams:\n  v0: {}\nflags: {}\noverride: {}\n'), [
    '1:1 routes: missing; expected a list of routes',
    '3:3 upstreams.v0.url: missing; expected an http:// or https:// address',
    '4:1 flags.source: missing; expected one of local, launchdarkly',
    '5:1 override.secret: missing; expected a text, or an empty one',
  ]);
});

await t.test('a route needs a name, and is plain or has all of a flag', async (t) => {
  const problems = await problemsOf(`upstreams: { v0: { url: http://a } }
routes:
  - match: { path: /a }
    upstream: v0
  - name: half
    match: { path: /b }
    flag: f
    default: 0
  - name: both
    upstream: v0
    flag: f
`);
  const either = 'a route has either `upstream`, or `flag`, `versions` and `default` together';
  t.strictSame(problems, [
    '3:5 routes[0].name: missing; expected a name: 1 to 64 letters, digits, -, _ and .',
    `5:5 routes[1]: ${either}`,
    `9:5 routes[2]: ${either}`,
  ]);
});

await t.test('no route at all', async (t) => {
  t.strictSame(await problemsOf('upstreams: {}\nroutes: []\n'), [
    '2:9 routes: found an empty list; expected at least one route',
  ]);
});
