import t from 'tap';
import { startProxy } from '../support/proxy.ts';
import { converse, get, type Message, plain, startRecorder } from '../support/wire.ts';

/** An upstream that answers with whatever headers a test asks for, behind `/base`, `/base/` and nothing. */
let answered = '';
const upstream = await startRecorder(t, () => `HTTP/1.1 302 Found\r\n${answered}Content-Length: 0\r\n\r\n`);
const start = async (url: string, options = '') => (await startProxy(t, plain(url, options))).port;
const based = await start(`${upstream.url}/base`);
const slashed = await start(`${upstream.url}/base/`);
const rootless = await start(upstream.url);

async function ask(port: number, headers: string): Promise<Message | undefined> {
  answered = headers;
  const { answers } = await converse(port, get('/fact/'));
  return answers[0];
}

const outside = [
  'http://other.example/base/new',
  'https://other.example/',
  `https://127.0.0.1:${upstream.port}/base/new`,
  'http://127.0.0.1:1/base/new',
  `http://127.0.0.1:${upstream.port}.evil.example/base/`,
  `http://127.0.0.1:${upstream.port}@evil.example/base/`,
  `${upstream.url}/other`,
  `${upstream.url}/basement`,
  `${upstream.url}/`,
  `${upstream.url}/base/../other`,
  '//other.example/base/',
  '/base/../other',
  '/base/%2e%2E/other',
  '/other',
  '/basement',
  '/',
  'new',
  'base/new',
  '../base/new',
  './',
  '?a=1',
  '#a',
  '',
];

await t.test(
  "30 a redirect to the upstream's own origin and base path comes back as the client's path",
  async (t) => {
    const own = [
      ['/new', '/new'],
      ['/new?a=/base/&b#c', '/new?a=/base/&b#c'],
      ['/', '/'],
      ['', '/'],
      ['?a=1', '/?a=1'],
      ['/base/new', '/base/new'],
      ['/a%2Fb;c/.d//e', '/a%2Fb;c/.d//e'],
    ] as const;
    for (const name of ['Location', 'Content-Location'])
      for (const port of [based, slashed])
        for (const [path, seen] of own)
          for (const origin of [upstream.url, '']) {
            const location = `${origin}/base${path}`;
            const answer = await ask(port, `${name}: ${location}\r\n`);
            t.same(answer?.values(name.toLowerCase()), [seen], `${name}: ${location}`);
          }
    const answer = await ask(rootless, `Location: ${upstream.url}/new?a\r\n`);
    t.same(answer?.values('location'), ['/new?a'], 'without a base path the origin alone goes');
  },
);

await t.test('30 other redirects are untouched', async (t) => {
  for (const location of outside) {
    const answer = await ask(based, `Location: ${location}\r\nContent-Location: ${location}\r\n`);
    t.same(
      [answer?.values('location'), answer?.values('content-location')],
      [[location], [location]],
      location,
    );
  }
});

// With `/base` gone, `/base//evil.example` would read `//evil.example`: a way to another host, and a page that lets
// the visitor choose the rest of a path would be an open redirect by our doing. Browsers read `\` as `/` there.
await t.test('30 no path becomes another host when the base path goes', async (t) => {
  for (const rest of [
    '//evil.example/',
    '///evil.example/',
    '/\\evil.example/',
    '/\t/evil.example/',
    '//evil.example',
  ])
    for (const location of [`/base${rest}`, `${upstream.url}/base${rest}`])
      for (const port of [based, slashed]) {
        const answer = await ask(port, `Location: ${location}\r\n`);
        const [seen = ''] = answer?.values('location') ?? [];
        const { hostname } = new URL(seen, 'http://client.example/fact/');
        t.not(hostname, 'evil.example', `${JSON.stringify(location)} came as ${JSON.stringify(seen)}`);
      }
  const answer = await ask(rootless, `Location: ${upstream.url}//evil.example/\r\n`);
  const [seen = ''] = answer?.values('location') ?? [];
  t.not(new URL(seen, 'http://client.example/').hostname, 'evil.example', 'nor when the origin goes');
});

await t.test("30 cookie paths below the base path come back as the client's", async (t) => {
  for (const [sent, seen] of [
    ['a=1; Path=/base', 'a=1; Path=/'],
    ['a=1; Path=/base/', 'a=1; Path=/'],
    ['a=1; Path=/base/fact', 'a=1; Path=/fact'],
    ['a=1; Path=/base/fact/', 'a=1; Path=/fact/'],
    ['a=1; HttpOnly; Path=/base/x; Max-Age=9; Secure', 'a=1; HttpOnly; Path=/x; Max-Age=9; Secure'],
    [
      'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/base',
      'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/',
    ],
    ['a=1;path=/base', 'a=1;path=/'],
    ['Path=/base; Path=/base/x', 'Path=/base; Path=/x'],
    ['a=/base/; Domain=a.example; Path=/base', 'a=/base/; Domain=a.example; Path=/'],
    ['a=1; Path=/basement', 'a=1; Path=/basement'],
    ['a=1; Path=/', 'a=1; Path=/'],
    ['a=1; Path=/other', 'a=1; Path=/other'],
    ['a=1; XPath=/base', 'a=1; XPath=/base'],
    ['a=1', 'a=1'],
  ])
    for (const port of [based, slashed]) {
      const answer = await ask(port, `Set-Cookie: ${sent}\r\nSet-Cookie: b=2; Path=/base/b\r\n`);
      t.same(answer?.values('set-cookie'), [seen, 'b=2; Path=/b'], sent ?? '');
    }
});

await t.test('30 rewriteLocation: false turns both off', async (t) => {
  const port = await start(`${upstream.url}/base`, ', rewriteLocation: false');
  for (const location of [...outside, `${upstream.url}/base/new`, '/base/new', '/base//evil.example/']) {
    const lines = `Location: ${location}\r\nContent-Location: ${location}\r\nSet-Cookie: a=1; Path=/base\r\n`;
    const answer = await ask(port, lines);
    t.same(
      ['location', 'content-location', 'set-cookie'].map((name) => answer?.values(name)),
      [[location], [location], ['a=1; Path=/base']],
      location,
    );
  }
});
