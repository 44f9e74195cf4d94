import * as fc from 'fast-check';
import t from 'tap';
import { createFindRoute } from '../../src/proxy/find-route.ts';
import type { Route, Upstream } from '../../src/proxy/routes.ts';

type Match = Route['match'];

/** The rule as it is told: the first in the order of the file, on segment borders. */
const matches = ({ path, host, methods }: Match, pathname: string, asked: string, method: string) =>
  (pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`)) &&
  (host === undefined || host === asked) &&
  (methods === undefined || methods.has(method));

const routesOf = (all: readonly Match[]): Route[] =>
  all.map((match, at) => ({ kind: 'plain', name: `${at}`, match, upstream: {} as Upstream }));

// Few words, so that they meet.
const path = fc.stringMatching(/^(\/|\/a|\/ab|\/b){1,4}$/);
const host = fc.constantFrom('a.example', 'b.example');
const method = fc.constantFrom('GET', 'POST', 'PUT');
const match: fc.Arbitrary<Match> = fc.record({
  path,
  host: fc.option(host, { nil: undefined }),
  methods: fc.option(
    fc.uniqueArray(method, { minLength: 1 }).map((some) => new Set(some)),
    { nil: undefined },
  ),
});

await t.test('whichever routes there are, the first that matches is found', async () => {
  fc.assert(
    fc.property(fc.array(match, { maxLength: 12 }), path, host, method, (all, pathname, asked, method) => {
      const found = createFindRoute(routesOf(all))(pathname, asked, method);
      const first = all.findIndex((one) => matches(one, pathname, asked, method));
      return found?.name === (first < 0 ? undefined : `${first}`);
    }),
    { numRuns: 5000 },
  );
});

await t.test('a path of slashes alone takes no more than any other', async (t) => {
  const find = createFindRoute(
    routesOf(
      Array.from({ length: 10_000 }, (_, at) => ({ path: `/n${at}/`, host: undefined, methods: undefined })),
    ),
  );
  const slashes = '/'.repeat(16_000);
  const begun = performance.now();
  for (let i = 0; i < 1000; i += 1) find(slashes, 'a.example', 'GET');
  // A look at each of its prefixes would take minutes.
  t.ok(performance.now() - begun < 2000);
  t.equal(find('/n9999/x', 'a.example', 'GET')?.name, '9999');
});
