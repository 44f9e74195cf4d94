import t, { type Test } from 'tap';
import { readFileSync } from 'node:fs';
import { METHODS } from 'node:http';
import type { RolloutView } from '../../src/rollout/view.ts';
import { packageFile } from '../../src/package.ts';
import { askAdmin } from '../support/admin-answer.ts';
import { request } from '../support/client.ts';
import { rolledOut, startProxy } from '../support/proxy.ts';
import { converse, statusOf } from '../support/wire.ts';

const nowhere = 'http://127.0.0.1:9';
const { port: proxyPort, adminPort } = await startProxy(t, rolledOut(nowhere, nowhere, { stage: '1h' }));
await askAdmin(adminPort, 'POST', '/api/rollouts/facts/start');
const status = async () =>
  ((await askAdmin(adminPort, 'GET', '/api/rollouts/facts')).json as unknown as RolloutView).status;

const host = 'Host: localhost\r\n';
const close = 'Connection: close\r\n';
const say = (head: string, body = '') => converse(adminPort, `${head}\r\n${body}`);
const statuses = async (head: string, body = '') => (await say(head, body)).answers.map(statusOf);

/** Shows that these bytes are answered so, and that nobody is worse off. */
async function answers(
  t: Test,
  head: string,
  expected: number[],
  name = JSON.stringify(head),
): Promise<void> {
  t.strictSame(await statuses(head), expected, name.slice(0, 100));
  t.equal((await request(adminPort, '/livez')).status, 200);
}

// RFC 9112 §3.2.2: the host of an absolute target stands in for Host. A server that checks the one and serves by the
// other is reached under a name that it means to refuse.
await t.test('a target that names a host has to name one of ours', async (t) => {
  for (const foreign of [
    'evil.example',
    'evil.example:9901',
    'localhost.evil.example',
    'localhost@evil.example',
  ])
    await answers(t, `GET http://${foreign}/metrics HTTP/1.1\r\n${host}${close}`, [421]);
  for (const own of ['localhost', `127.0.0.1:${adminPort}`, '[::1]:9901', 'LOCALHOST'])
    await answers(t, `GET http://${own}/metrics HTTP/1.1\r\n${host}${close}`, [200]);
  await answers(t, `GET http://localhost/metrics HTTP/1.1\r\nHost: evil.example\r\n${close}`, [421]);
  for (const target of ['http://', 'https:metrics', 'file:///etc/passwd', 'ftp://localhost/', '*', 'metrics'])
    await answers(t, `GET ${target} HTTP/1.1\r\n${host}${close}`, [400]);
  const inPath = await say(`GET /http://evil.example/metrics HTTP/1.1\r\n${host}${close}`);
  t.strictSame(inPath.answers.map(statusOf), [404]);
});

// A Host is put in front of the path to make an address. What else it holds must not become the path.
await t.test('a Host that is more than a host is refused', async (t) => {
  const odd = [
    'localhost/livez?',
    'localhost:80/livez?',
    'localhost#',
    'localhost?',
    'x@localhost',
    'localhost@evil.example',
  ];
  for (const one of [
    ...odd,
    'localhost, evil.example',
    'localhost evil.example',
    'localhost\\evil.example',
    '[::1',
    '::1',
  ])
    await answers(t, `GET /metrics HTTP/1.1\r\nHost: ${one}\r\n${close}`, [400], one);
  for (const one of ['localhost.', 'localhost:99999999', '0x7f.1', '127.1', 'localhost%00', '[localhost]'])
    t.ok(
      [400, 421].includes((await statuses(`GET /metrics HTTP/1.1\r\nHost: ${one}\r\n${close}`))[0] ?? 0),
      one,
    );
});

await t.test('two Hosts, no Host and an empty one are refused', async (t) => {
  for (const two of [`${host}Host: evil.example\r\n`, `Host: evil.example\r\n${host}`, `${host}${host}`])
    await answers(t, `GET /metrics HTTP/1.1\r\n${two}${close}`, [421]);
  await answers(t, `GET /metrics HTTP/1.1\r\n${close}`, [400]);
  await answers(t, `GET /metrics HTTP/1.1\r\nHost:\r\n${close}`, [400]);
  await answers(t, 'GET /metrics HTTP/1.0\r\n', [400]);
  await answers(t, `GET /metrics HTTP/1.0\r\n${host}`, [200]);
});

const post = (fields: string) =>
  statuses(`POST /api/rollouts/facts/rollback HTTP/1.1\r\n${host}${fields}Content-Length: 0\r\n${close}`);

const get = (fields: string) => statuses(`GET /api/rollouts HTTP/1.1\r\n${host}${fields}${close}`);

// Not all servers in front of this one agree on which of two headers counts, so the worse one does.
await t.test('of two Origins, or of two sites, the foreign one counts', async (t) => {
  const own = `http://localhost`;
  for (const origins of [
    ['null'],
    ['http://evil.example'],
    [''],
    ['localhost'],
    [`${own}, ${own}`],
    [`${own}:80`],
    [`${own}.evil.example`],
    ['http://evil@localhost'],
    ['app://localhost'],
    ['HTTP://localhost'],
    [own, 'http://evil.example'],
    ['http://evil.example', own],
    [own, own],
  ])
    t.strictSame(
      await post(origins.map((one) => `Origin: ${one}\r\n`).join('')),
      [403],
      origins.join(' and '),
    );
  const sites = ['cross-site', 'same-site', 'Cross-Site', 'same-origin, cross-site', 'what-comes-next', ''];
  for (const site of sites)
    for (const fields of [
      '',
      'Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n',
      `Origin: ${own}\r\n`,
    ])
      t.strictSame(await post(`Sec-Fetch-Site: ${site}\r\n${fields}`), [403], `${site} ${fields}`);
  t.strictSame(await post('Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n'), [403]);
  t.equal(await status(), 'in_progress');

  const link = 'Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n';
  t.strictSame(await get(`${link}Sec-Fetch-Dest: document\r\n`), [200], 'a link may lead here');
  for (const dest of ['iframe', 'embed', 'object', 'script', 'image', 'empty'])
    t.strictSame(await get(`${link}Sec-Fetch-Dest: ${dest}\r\n`), [403], dest);
  for (const site of ['none', 'same-origin'])
    t.strictSame(await get(`Sec-Fetch-Site: ${site}\r\n`), [200], site);
  t.strictSame(await get(`Origin: ${own}\r\n`), [200]);
});

// Whatever stands in front of this port and reads a message's end elsewhere would let a second request through behind it.
await t.test('a message whose end is doubtful is refused, and nothing behind it is served', async (t) => {
  const smuggled = `POST /api/rollouts/facts/rollback HTTP/1.1\r\n${host}Content-Length: 0\r\n\r\n`;
  const length = `Content-Length: ${smuggled.length}\r\n`;
  const chunked = 'Transfer-Encoding: chunked\r\n';
  const doubtful = [
    `${length}${chunked}`,
    `${chunked}${length}`,
    `${length}Content-Length: 0\r\n`,
    'Content-Length: +5\r\n',
    'Content-Length: 0x5\r\n',
    'Content-Length : 0\r\n',
    'Content-Length: 0\n',
    ' Content-Length: 0\r\n',
    'Transfer-Encoding: chunked, identity\r\n',
    'Transfer-Encoding: xchunked\r\n',
    'Transfer-Encoding : chunked\r\n',
    'X: y\rZ: w\r\n',
    'X: \0\r\n',
    'X y\r\n',
  ];
  for (const fields of doubtful) {
    const { answers: got, ended } = await say(`POST /api/explain HTTP/1.1\r\n${host}${fields}`, smuggled);
    t.strictSame([got.map(statusOf), ended], [[400], true], JSON.stringify(fields));
  }
  for (const line of [
    'GET /livez HTTP/2.0',
    'GET /livez HTTP/0.9',
    'GET /livez',
    '\x16\x03\x01',
    'PRI * HTTP/2.0',
  ]) {
    const { answers: got, ended } = await say(`${line}\r\n${host}`, smuggled);
    t.strictSame([got.length <= 1, ended], [true, true], JSON.stringify(line));
    t.not(statusOf(got[0]), 200);
  }
  t.equal(await status(), 'in_progress');
});

// A refusal that leaves the body unread would have it read as the next request: a page that may send any body, and no
// header, could ask for anything in it.
await t.test('the body of a refused request is no request', async (t) => {
  const inner = `POST /api/rollouts/facts/rollback HTTP/1.1\r\n${host}Content-Length: 0\r\n\r\n`;
  for (const [target, fields] of [
    ['/api/rollouts/facts/rollback', 'Origin: http://evil.example\r\n'],
    ['/api/nothing', ''],
    ['/metrics', ''],
    ['/', ''],
  ]) {
    const head = `POST ${target} HTTP/1.1\r\n${host}${fields}Content-Length: ${inner.length}\r\n${close}`;
    const { answers: got } = await say(head, inner);
    t.equal(got.length, 1, `${target}`);
    t.ok(statusOf(got[0]) >= 400, `${statusOf(got[0])}`);
  }
  t.equal(await status(), 'in_progress');
});

await t.test('no method does more than its name says', async (t) => {
  for (const method of METHODS.filter((one) => !['GET', 'HEAD', 'POST', 'CONNECT'].includes(one)))
    for (const path of [
      '/',
      '/metrics',
      '/api/rollouts',
      '/api/rollouts/facts/rollback',
      '/dashboard/main.js',
    ])
      t.match(
        await statuses(`${method} ${path} HTTP/1.1\r\n${host}Cookie: a=b\r\n${close}`),
        [/40[45]/],
        `${method} ${path}`,
      );
  const { answers: traced } = await say(`TRACE / HTTP/1.1\r\n${host}X-Echo: me\r\n${close}`);
  t.notMatch(traced[0]?.bytes, 'X-Echo', 'nothing is said back');
  const { answers: preflight } = await say(
    `OPTIONS /api/rollouts/facts/rollback HTTP/1.1\r\n${host}Origin: http://localhost\r\nAccess-Control-Request-Method: POST\r\n${close}`,
  );
  t.notMatch(preflight[0]?.bytes, /access-control/i, 'nobody is told that they may');
  t.equal(await status(), 'in_progress');
});

// An open port that makes connections for others is a way into the network behind it.
await t.test('CONNECT connects nobody, and an upgrade is none', async (t) => {
  const {
    answers: none,
    rest,
    ended,
  } = await say(`CONNECT 127.0.0.1:${proxyPort} HTTP/1.1\r\n${host}`, `GET / HTTP/1.1\r\n${host}\r\n`);
  t.strictSame([none, rest, ended], [[], '', true]);
  const upgrade =
    'Connection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  for (const to of ['websocket', 'h2c', 'TLS/1.0']) {
    const { answers: got } = await converse(
      adminPort,
      `GET /livez HTTP/1.1\r\n${host}${upgrade}Upgrade: ${to}\r\n\r\n`,
    );
    t.equal(statusOf(got[0]), 200, to);
  }
});

await t.test('an expectation is met or refused, and neither skips a check', async (t) => {
  const post = `POST /api/rollouts/facts/rollback HTTP/1.1\r\n${host}Content-Length: 2\r\n${close}`;
  t.strictSame(await statuses(`${post}Expect: a-miracle\r\n`, '{}'), [417]);
  t.strictSame((await statuses(`${post}Origin: null\r\nExpect: 100-continue\r\n`, '{}')).at(-1), 403);
  t.equal(await status(), 'in_progress');
});

// A file is served by its name in a table, so there is no folder to leave.
await t.test('no path leads to a file that is not of the dashboard', async (t) => {
  const secret = readFileSync(packageFile('package.json'), 'utf8').slice(0, 40);
  const up = [
    '..',
    '%2e%2e',
    '.%2e',
    '%2e.',
    '%252e%252e',
    '..%2f',
    '..%5c',
    '..\\',
    '....//',
    '%c0%ae%c0%ae',
    '..;',
    '%00',
  ];
  const bases = ['/dashboard/', '/dashboard/vendor/', '/', '//', '/dashboard//'];
  for (const base of bases)
    for (const step of up)
      for (const file of [
        'package.json',
        'etc/passwd',
        'src/admin/server.ts',
        'server.js',
        'main.js%00.css',
      ]) {
        const { answers: got, rest } = await say(
          `GET ${base}${`${step}/`.repeat(6)}${file} HTTP/1.1\r\n${host}${close}`,
        );
        t.ok([400, 404].includes(statusOf(got[0])), `${base}${step} ${file}: ${got[0]?.startLine ?? rest}`);
        t.notMatch(got[0]?.body, secret);
      }
  for (const path of [
    '/dashboard',
    '/dashboard/',
    '/dashboard/vendor/',
    '/index.html',
    '/dashboard/index.html',
  ].concat(
    [
      '/dashboard/main.tsx',
      '/dashboard/main.js.map',
      '/dashboard/tsconfig.json',
      '/dashboard/__proto__',
      '/constructor',
    ],
    ['/dashboard/main.js/', '/dashboard/MAIN.js', '/dashboard/main.js%20', '/dashboard/main%2ejs/..'],
  ))
    t.strictSame(await statuses(`GET ${path} HTTP/1.1\r\n${host}${close}`), [404], path);
});

const fill = (bytes: number) => 'x'.repeat(bytes);

await t.test('heads beyond their bounds are refused', async (t) => {
  await answers(t, `GET /livez HTTP/1.1\r\n${host}X: ${fill(20_000)}\r\n`, [431]);
  await answers(t, `GET /${fill(20_000)} HTTP/1.1\r\n${host}`, [431]);
  // Node drops what is past the 2000th header, unless told otherwise, and what a check looks for with it.
  const many = 'X: y\r\n'.repeat(2500);
  await answers(t, `GET /livez HTTP/1.1\r\n${host}${many}${close}`, [200]);
  await answers(t, `GET /livez HTTP/1.1\r\n${host}${many}Origin: null\r\n${close}`, [403]);
  await answers(t, `GET /livez?${'&'.repeat(15_000)} HTTP/1.1\r\n${host}${close}`, [200]);
});

await t.test('every answer forbids browsers what it can', async (t) => {
  const heads = [
    'GET /',
    'GET /dashboard/main.js',
    'GET /livez',
    'GET /readyz',
    'GET /metrics',
    'GET /api/rollouts',
  ].concat(['GET /nothing', 'PUT /', 'PUT /api/rollouts', 'POST /api/explain', 'HEAD /api/live', 'HEAD /']);
  for (const head of heads)
    for (const fields of ['', 'Origin: null\r\n']) {
      const { answers: got } = await say(`${head} HTTP/1.1\r\n${host}${fields}${close}`);
      const values = (name: string) => got[0]?.values(name);
      t.strictSame(values('x-content-type-options'), ['nosniff'], `${head} ${fields}`);
      t.strictSame(values('x-frame-options'), ['DENY']);
      t.strictSame(values('cross-origin-resource-policy'), ['same-origin']);
      t.strictSame(values('cross-origin-opener-policy'), ['same-origin']);
      t.strictSame(values('referrer-policy'), ['no-referrer']);
      t.match(values('cache-control'), ['no-store']);
      t.match(values('content-security-policy'), [/^default-src 'none'.*frame-ancestors 'none'/]);
      t.notMatch(values('content-security-policy')?.[0], /unsafe|\*|http:|data:/);
      t.strictSame(values('access-control-allow-origin'), []);
      t.strictSame(values('server'), []);
    }
});
