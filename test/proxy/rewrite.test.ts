import * as fc from 'fast-check';
import t from 'tap';
import { createRewrite, rewritten } from '../../src/proxy/rewrite.ts';

const at = (url: string) => {
  const parsed = new URL(url);
  return createRewrite(parsed, parsed.pathname.replace(/\/$/, ''));
};
const api = at('http://api:8000/v1');

await t.test("a redirect to the upstream's own address comes back as the client's path", async (t) => {
  const cases = {
    'http://api:8000/v1/fact/2?x#y': '/fact/2?x#y',
    'HTTP://API:8000/v1/fact/2': '/fact/2',
    '//api:8000/v1/x': '/x',
    '/v1/fact/2': '/fact/2',
    '/v1': '/',
    '/v1/': '/',
    '/v1?x': '/?x',
    'http://api:8000/v1#y': '/#y',
    '/v1/a;b=c,d%2F%zz?u=http://a/..//\\': '/a;b=c,d%2F%zz?u=http://a/..//\\',
    '/v1/v1/v1': '/v1/v1',
    '/v1/./x': '/./x',
    '/v1/caf\xe9': '/caf\xe9',
  };
  for (const [value, mapped] of Object.entries(cases)) {
    t.equal(api('location', value), mapped, value);
    t.equal(api('content-location', value), mapped, value);
  }
});

await t.test('what points elsewhere stays as it was', async (t) => {
  for (const value of [
    '',
    '/',
    '/v10/x',
    '/V1/x',
    '/other',
    'fact/2',
    '?page=2',
    '#top',
    '../v1/x',
    'http://api:8000',
    'http://api:8000/v10/x',
    'http://api:8000?/v1/x',
    'http://api/v1/x',
    'http://api:80001/v1/x',
    'http://api:8000:/v1/x',
    'http://api:8000:80/v1/x',
    'https://api:8000/v1/x',
    'http://api:8000.evil.example/v1/x',
    'http://user@api:8000/v1/x',
    'http://user:secret@api:8000/v1/x',
    'http://evil.example@api:8000/v1/x',
    'http://api:8000@evil.example/v1/x',
    'http:/v1/x',
    'http:///api:8000/v1/x',
    '///api:8000/v1/x',
    'mailto:/v1/x',
    '/v1/../admin',
    '/v1/.. ',
    '/v1/a/%2E%2e/%2e./admin',
    'http://api:8000/v1/..',
  ])
    t.equal(api('location', value), value, value);
});

await t.test('the port that a scheme implies is none', async (t) => {
  const plain = at('http://api/v1');
  for (const host of ['api', 'api:', 'api:80', 'API:080'])
    t.equal(plain('location', `http://${host}/v1/x`), '/x', host);
  t.equal(plain('location', 'http://api:443/v1/x'), 'http://api:443/v1/x');
  t.equal(at('https://api/v1')('location', 'https://api:443/v1/x'), '/x');
  t.equal(at('http://[::1]/v1')('location', 'http://[::1]:80/v1/x'), '/x');
  t.equal(at('http://[::1]:8000/v1')('location', 'http://[::1]:8000/v1/x'), '/x');
});

// `Location: http://api:8000/v1//evil.example` answers a request for `//evil.example`: servers that add a slash to a
// path do that. Without its base path the value would name a host, and so would each of the others to a browser.
await t.test('no path becomes a host', async (t) => {
  for (const value of [
    'http://api:8000/v1//evil.example',
    '/v1//evil.example/%2f..',
    '/v1///evil.example',
    '/v1/\\evil.example',
    '/v1/\t/evil.example',
    '/v1\\/evil.example',
    'http://api:8000\\/v1//evil.example',
    'http://api:8000/v1/\n/evil.example',
  ])
    t.equal(api('location', value), value, JSON.stringify(value));
  const root = at('http://api:8000');
  for (const value of ['http://api:8000//evil.example', '//evil.example', '/\\evil.example'])
    t.equal(root('location', value), value, value);
});

await t.test('without a base path an address is still mapped to a path', async (t) => {
  const root = at('http://api:8000/');
  const cases = {
    'http://api:8000': '/',
    'http://api:8000?x': '/?x',
    'http://api:8000/v1/../x': '/v1/../x',
    '//api:8000/x': '/x',
    '/x': '/x',
    'http://api/x': 'http://api/x',
  };
  for (const [value, mapped] of Object.entries(cases)) t.equal(root('location', value), mapped, value);
  t.equal(root('set-cookie', 'a=1; Path=/x'), 'a=1; Path=/x');
});

await t.test('a cookie keeps all but the base path', async (t) => {
  const cases = {
    'a=1; Path=/v1': 'a=1; Path=/',
    'a=1; Path=/v1/': 'a=1; Path=/',
    'a=1;PATH = /v1/fact ;Secure': 'a=1;PATH = /fact ;Secure',
    'a=1; HttpOnly; path=/v1/fact; Max-Age=5': 'a=1; HttpOnly; path=/fact; Max-Age=5',
    'a=1; Path=/v0; Path=/v1/x': 'a=1; Path=/v0; Path=/x',
    'a=1; Path=/': 'a=1; Path=/',
    'a=1; Path=/v10': 'a=1; Path=/v10',
    'a=1; Path=/v1 x': 'a=1; Path=/v1 x',
    'a=1; Path="/v1"': 'a=1; Path="/v1"',
    'a=1; Path': 'a=1; Path',
    'a=1; XPath=/v1; Domain=api': 'a=1; XPath=/v1; Domain=api',
    'path=/v1': 'path=/v1',
    'a="; Path=/v1/x"': 'a="; Path=/x"',
    '': '',
  };
  for (const [value, mapped] of Object.entries(cases)) t.equal(api('set-cookie', value), mapped, value);
});

await t.test('other headers are none of its business', async (t) => {
  t.equal(api('link', '/v1/x'), '/v1/x');
  t.same([...rewritten], ['location', 'content-location', 'set-cookie']);
});

const pieces =
  'http: https: HTTP: // / \\ api API :8000 :80 : @ evil.example v1 /v1 /v1/ .. /.. %2e . ? # ; %2F x \xe9 [::1]';
const piece = fc.constantFrom(...pieces.split(' '), ' ', '\t', '\n');
const value = fc.oneof(
  fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join('')),
  fc
    .tuple(fc.constantFrom('http://api:8000/v1', '//api:8000', '/v1'), fc.array(piece, { maxLength: 6 }))
    .map(([start, pieces]) => start + pieces.join('')),
  fc.string({ unit: 'binary-ascii', maxLength: 30 }),
);

// Node 20 forgets a dot at the very end of some paths.
const pathOf = ({ pathname, search, hash }: URL) => pathname.replace(/\/\.$/, '/') + search + hash;

await t.test('whatever it maps is the same place, of the same origin, to a browser', async (t) => {
  let mapped = 0;
  for (const address of ['http://api:8000/v1', 'http://api:8000/', 'http://api/v1', 'https://[::1]/v1/v1']) {
    const upstream = new URL(address);
    const basePath = upstream.pathname.replace(/\/$/, '');
    const rewrite = createRewrite(upstream, basePath);
    fc.assert(
      fc.property(value, (given) => {
        const result = rewrite('location', given);
        if (result === given) return;
        mapped += 1;
        const meant = new URL(given, `${upstream.origin}/somewhere`);
        const asked = new URL(result, 'https://client.example/elsewhere');
        if (meant.origin !== upstream.origin) throw new Error(`it was foreign: ${given}`);
        if (asked.origin !== 'https://client.example') throw new Error(`it became foreign: ${result}`);
        const reached = basePath + pathOf(asked);
        // The base path itself is asked for as its root.
        if (reached !== pathOf(meant) && reached.replace(`${basePath}/`, basePath) !== pathOf(meant))
          throw new Error(`${given} became ${result}`);
      }),
      { numRuns: 4000 },
    );
  }
  t.ok(mapped > 500, 'enough of them were mapped');
});

await t.test('no cookie makes it stumble, and none gains or loses an attribute', async () => {
  const attributes = 'a=1|Path=/v1| path=/v1/x |PATH=/v10|Path|=|"|Secure|Domain=api|\t|';
  const attribute = fc.constantFrom(...attributes.split('|'));
  fc.assert(
    fc.property(
      fc.array(fc.oneof(attribute, fc.string({ unit: 'binary-ascii' })), { maxLength: 6 }),
      (list) => {
        const given = list.join(';');
        const result = api('set-cookie', given);
        const [before, after] = [given, result].map((text) =>
          text.split(';').map((part) => part.split('=')[0]),
        );
        if (JSON.stringify(before) !== JSON.stringify(after)) throw new Error(`${given} became ${result}`);
      },
    ),
    { numRuns: 2000 },
  );
});
