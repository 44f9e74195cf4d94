import t, { type Test } from 'tap';
import { METHODS } from 'node:http';
import { readPage } from '../../src/admin/page.ts';
import { request } from '../support/client.ts';
import { launchChromium, skipWithoutChromium } from '../support/chromium.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { converse, statusOf } from '../support/wire.ts';

const token = 's3cret:with:colons';
const nowhere = 'http://127.0.0.1:9';

const guarded = (t: Pick<Test, 'teardown'>, own = token) =>
  startProxy(
    t,
    flagged(nowhere, nowhere, `admin: { address: "127.0.0.1:0", token: ${JSON.stringify(own)} }`),
    {
      'flags.yaml': evenFlags,
    },
  );

const basic = (pair: string | Buffer) => `Basic ${Buffer.from(pair).toString('base64')}`;

const { adminPort } = await guarded(t);
const ask = (path: string, method = 'GET', headers: Record<string, string> = {}) =>
  request(adminPort, path, { method, headers });

const files = [...(await readPage()).files.keys()];
const api = [
  '/metrics',
  '/api/live',
  '/api/rollouts',
  '/api/rollouts/facts',
  '/api/rollouts/facts/rollback',
].concat([
  '/api/guard',
  '/api/guard/facts/clear',
  '/api/history/facts',
  '/api/explain',
  '/api',
  '/api/',
  '/nothing',
]);

await t.test('every path and method wants the token, whether there is something or not', async (t) => {
  t.ok(files.length > 15, `the dashboard has ${files.length} files`);
  t.ok(files.some((path) => path.includes('/vendor/')));
  for (const path of [...files, ...api])
    for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS', 'DELETE']) {
      const { status, body, headers } = await ask(path, method);
      t.equal(status, 401, `${method} ${path}`);
      t.match(headers, {
        'www-authenticate': /^Basic realm=.*, Bearer$/,
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      });
      t.match(
        body,
        method === 'HEAD' ? /^$/ : /^\{"type":"about:blank","title":"A bearer token is required"/,
      );
    }
  for (const method of METHODS.filter((one) => one !== 'CONNECT'))
    t.equal((await ask('/api/rollouts', method)).status, 401, method);
});

// A check on one spelling of a path and a look-up by another is how such checks are passed by: "//metrics" is no probe for
// the one and the metrics for the other.
await t.test('no odd spelling of a path opens another than the probes', async (t) => {
  const odd = [
    '//metrics',
    '/livez/../metrics',
    '/livez/%2e%2e/metrics',
    '/livez/..%2fmetrics',
    '/./metrics',
  ].concat(
    ['/metrics/', '/metrics;/livez', '/metrics%00/livez', '/metrics?/livez', '/metrics#/livez', '/METRICS'],
    [
      '/livez/',
      '/livez%2f',
      '/livez%2fmetrics',
      '/LIVEZ',
      '//livez',
      '/livez;',
      '/livez.',
      '/%2flivez',
      '/livez%00',
    ],
    ['/api/../livez/x', '/readyz/../api/rollouts', '/readyz%2f..%2fapi%2frollouts', '/livez\\..\\metrics'],
    [
      `http://localhost/metrics`,
      `http://localhost//livez`,
      `http://livez@localhost/metrics`,
      `http://localhost`,
    ],
  );
  for (const target of odd) {
    const head = `${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
    for (const method of ['GET', 'POST']) {
      const { answers, rest } = await converse(adminPort, `${method} ${head}`);
      t.ok(
        [400, 401].includes(statusOf(answers[0])),
        `${method} ${target}: ${answers[0]?.startLine ?? rest}`,
      );
      t.notMatch(answers[0]?.body, /trenchcoat_|rollouts"/);
    }
  }
  for (const target of [
    '/livez',
    '/livez?x',
    '/readyz',
    '/%6civez',
    '/x/../livez',
    'http://localhost/livez',
  ]) {
    const { answers } = await converse(
      adminPort,
      `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    t.equal(statusOf(answers[0]), 200, target);
    t.match(answers[0]?.body, /^(ok\n$|\{"ready":true)/);
  }
});

// Where it listens on the network, anybody may ask for readiness; what the flag file or Redis is called is not theirs to know.
await t.test('readiness is open to all, and what it rests on is not', async (t) => {
  for (const authorization of ['', 'Bearer guess'])
    t.equal((await ask('/readyz', 'GET', { authorization })).body, '{"ready":true}');
  const { body } = await ask('/readyz', 'GET', { authorization: `Bearer ${token}` });
  t.match(JSON.parse(body), { ready: true, checks: { proxy: 'ready', flags: /flags\.yaml/ } });
});

const status = async (authorization: string) => (await ask('/metrics', 'GET', { authorization })).status;

await t.test('Bearer and Basic carry it; all else is refused', async (t) => {
  const good = [
    `Bearer ${token}`,
    `bearer  ${token}`,
    `BEARER ${token} `,
    basic(`me:${token}`),
    basic(`:${token}`),
  ];
  for (const one of [...good, basic(`raccoon é:${token}`).replace('Basic', 'bAsIc')])
    t.equal(await status(one), 200, one);
  const bad = [
    '',
    'Bearer',
    'Bearer ',
    'Basic',
    token,
    `Token ${token}`,
    `Bearer: ${token}`,
    `Bearer\t${token}`,
  ].concat(
    [
      `Bearer ${token} x`,
      `Bearer ${token}, Bearer ${token}`,
      `Bearer x, Bearer ${token}`,
      `Bearer ${token.slice(1)}`,
    ],
    [
      `Bearer ${token.toUpperCase()}`,
      `Bearer ${token}\u00e9`,
      `Bearer "${token}"`,
      `Bearer ${'x'.repeat(9000)}`,
    ],
    [
      basic(token),
      basic('me:'),
      basic(''),
      basic(`me:${token}\n`),
      basic(`me:${token}\0`),
      basic(`me: ${token}`),
    ],
    [
      basic(`${token}:me`),
      basic(`me:${token}:`),
      'Basic ####',
      `Basic ${token}`,
      `Basic ${'QUFB'.repeat(2000)}`,
    ],
    [basic(Buffer.from([0xff, 0x3a, 0xff])), `Bearer ${basic(`me:${token}`).slice(6)}`],
  );
  for (const one of bad) t.equal(await status(one), 401, JSON.stringify(one.slice(0, 60)));
});

// Proxies and servers differ in which of two they believe, so two are none.
await t.test('two Authorization headers are none, whichever is right', async (t) => {
  for (const pair of [
    [token, 'x'],
    ['x', token],
    [token, token],
  ]) {
    const lines = pair.map((one) => `Authorization: Bearer ${one}\r\n`).join('');
    const head = `GET /metrics HTTP/1.1\r\nHost: localhost\r\n${lines}Connection: close\r\n\r\n`;
    const { answers } = await converse(adminPort, head);
    t.equal(statusOf(answers[0]), 401, lines);
  }
});

await t.test('a token beyond ASCII is taken from Basic, in UTF-8', async (t) => {
  const { adminPort: port } = await guarded(t, 'wäschbär 🦝');
  const status = async (authorization: string) =>
    (await request(port, '/metrics', { headers: { authorization } })).status;
  t.equal(await status(basic('me:wäschbär 🦝')), 200);
  t.equal(await status(basic(Buffer.from('me:wäschbär 🦝', 'latin1'))), 401);
  t.equal(await status(basic('me:waschbar')), 401);
});

await t.test(
  'a browser is asked for it, shows nothing without and the dashboard with it',
  { skip: skipWithoutChromium() },
  async (t) => {
    const browser = await launchChromium();
    t.teardown(() => browser.close());
    const open = async (password?: string) => {
      const credentials = password === undefined ? {} : { httpCredentials: { username: 'me', password } };
      const page = await (await browser.newContext(credentials)).newPage();
      const complaints: string[] = [];
      const asked: string[] = [];
      page.on('request', (sent) => asked.push(new URL(sent.url()).pathname));
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      const answer = await page
        .goto(`http://127.0.0.1:${adminPort}/`)
        .catch((error: unknown) => String(error));
      return { page, complaints, asked, answer };
    };
    for (const wrong of [undefined, 'guess']) {
      const { asked, answer } = await open(wrong);
      const shown = typeof answer === 'string' ? answer : String(answer?.status());
      t.match(shown, /401|ERR_INVALID_AUTH_CREDENTIALS/, `with ${wrong}`);
      t.ok(
        asked.every((path) => path === '/'),
        'no page was loaded that loads more',
      );
    }
    const { page, complaints, asked } = await open(token);
    await page.getByText('facts').first().waitFor({ timeout: 20_000 });
    t.strictSame(complaints, []);
    t.ok(asked.includes('/api/live'));
  },
);
