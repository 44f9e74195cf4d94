import t, { type Test } from 'tap';
import * as fc from 'fast-check';
import { askAdmin } from '../support/admin-answer.ts';
import { request } from '../support/client.ts';
import { fixedFlag } from '../support/flags.ts';
import { launchDarklyStub } from '../support/launchdarkly-stub.ts';
import { startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';
import { converse, statusOf } from '../support/wire.ts';

type Asked = { method?: string; path: string; host?: string; headers?: Record<string, string> };

const explainer =
  (port: number) =>
  async (asked: unknown, headers = {}) =>
    askAdmin(
      port,
      'POST',
      '/api/explain',
      typeof asked === 'string' ? asked : JSON.stringify(asked),
      headers,
    );

const flagFile = `
flags:
  facts:
    on: true
    variations: [0, 1, gone]
    targets: [{ variation: 0, values: [alice] }, { variation: 1, values: [bob, wäschbär] }]
    rules:
      - { variation: 1, clauses: [{ attribute: plan, op: in, values: [gold] }] }
      - { variation: 2, clauses: [{ attribute: plan, op: in, values: [lead] }] }
    fallthrough: { rollout: { variations: [{ variation: 0, weight: 50000 }, { variation: 1, weight: 50000 }] } }
    offVariation: 0
    salt: even
  off: { on: false, variations: [1] }
`;

/** A proxy with every way to be known and routed, before upstreams that say who they are. */
async function startAsked(t: Pick<Test, 'teardown'>) {
  const urlOf = async (name: string) =>
    (await startUpstream(t, (_req, res) => res.setHeader('X-Upstream', name).end())).url;
  const proxy = await startProxy(
    t,
    `
context:
  user:
    key: [{ cookie: uid }, { header: X-User-Id }, { query: uid }, { header: Authorization, hash: true }]
    attributes: { plan: { header: X-Plan } }
  device: { key: [{ cookie: device }] }
flags: { source: local, file: flags.yaml }
override: { secret: open-sesame }
upstreams: { v0: { url: "${await urlOf('v0')}" }, v1: { url: "${await urlOf('v1')}" }, site: { url: "${await urlOf('site')}" } }
routes:
  - { name: facts, match: { path: /fact/ }, flag: facts, versions: { 0: v0, 1: v1 }, default: 0 }
  - { name: posts, match: { path: /both, methods: [POST] }, upstream: v1 }
  - { name: off, match: { host: off.example }, flag: off, versions: { 0: v0, 1: v1 }, default: 0 }
  - { name: missing, match: { path: /missing }, flag: missing, versions: { 0: v0, 1: v1 }, default: 1 }
  - { name: site, match: { path: /both }, upstream: site }
  - { name: root, match: { path: /, methods: [OPTIONS] }, upstream: site }
shutdown: { drain: 1s }
`,
    { 'flags.yaml': flagFile },
  );
  return { ...proxy, explain: explainer(proxy.adminPort) };
}

const proxy = await startAsked(t);

const users = fc.oneof(
  fc.constantFrom('alice', 'bob', 'wäschbär', ' bob ', '', '🦝', 'é', '\u00a0bob'),
  fc.string({ maxLength: 30, unit: 'grapheme' }),
  fc.integer().map((n) => `user-${n}`),
);
const inCookie = fc.oneof(users, users.map(encodeURIComponent)).map((user) => user.replace(/;/g, ''));
const headers = fc.record(
  {
    Cookie: fc
      .array(fc.tuple(fc.constantFrom('uid', 'device', 'trenchcoat_id', 'x'), inCookie), { maxLength: 3 })
      .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`).join('; ')),
    'x-uSER-id': users,
    Authorization: users.map((user) => `Bearer ${user}`),
    'X-Plan': fc.oneof(fc.constantFrom('gold', 'lead'), users),
    'X-Api-Version': fc.constantFrom('0', '1', '2', 'constructor'),
    'X-Trenchcoat-Secret': fc.constantFrom('open-sesame', 'guess', ''),
    Origin: fc.constant('http://a.example'),
    'Access-Control-Request-Method': fc.constant('GET'),
    constructor: fc.constant('x'),
  },
  { requiredKeys: [] },
);
const visible = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((n) => String.fromCodePoint(n)) });
const questions: fc.Arbitrary<Required<Asked>> = fc.record({
  method: fc.constantFrom(
    'GET',
    'GET',
    'POST',
    'OPTIONS',
    'OPTIONS',
    'HEAD',
    'PURGE',
    'CONNECT',
    'get',
    'NONE',
  ),
  path: fc.oneof(
    {
      weight: 4,
      arbitrary: fc.constantFrom('/fact/', '/fact/1?uid=bob', '/fact/?uid=%F0%9F%A6%9D', '/both', '/missing'),
    },
    fc.constantFrom('*', '/', '/factory', '/fact', '//fact/', '/%66act/', 'fact/', '/both/x', '/both#', '?'),
    fc.constantFrom(
      'http://off.example/fact/',
      'http://off.example',
      'http://a:b@off.example/x',
      'http:///fact/',
    ),
    fc.tuple(fc.constantFrom('/fact/', '/', ''), visible).map((parts) => parts.join('')),
  ),
  host: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('localhost', 'off.example') },
    fc.constantFrom(
      'localhost',
      'off.example',
      'OFF.example:80',
      '[::1]:8',
      'off.example.',
      'a@off.example',
      'a/b',
    ),
    visible.filter((text) => text !== ''),
  ),
  headers: headers.map((all) =>
    Object.fromEntries(Object.entries(all).filter(([, value]) => !/[\p{Cc}\p{Cs}]/u.test(value))),
  ),
});

await t.test('what it says is what a request gets', async (t) => {
  let answered = 0;
  let refused = 0;
  const property = fc.asyncProperty(questions, async (question) => {
    const { method, path, host, headers } = question;
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${lines.join('')}Connection: close\r\n\r\n`;
    // A header is sent in UTF-8.
    const [{ answers }, { status, json }] = await Promise.all([
      converse(proxy.port, Buffer.from(head).toString('latin1')),
      proxy.explain(question),
    ]);
    const [got] = answers;
    const [upstream] = got?.values('x-upstream') ?? [];
    const told = JSON.stringify([question, json, got?.bytes]);
    if (upstream === undefined) {
      refused += 1;
      if (status !== 400 || !/40[04]|starts with|cannot stand/.test(json.detail ?? '')) throw new Error(told);
      return;
    }
    answered += 1;
    if (status !== 200) throw new Error(told);
    const [version = null] = got?.values('x-api-version') ?? [];
    const sets = (got?.values('set-cookie') ?? []).length > 0;
    const contexts = json['contexts'] as { minted: boolean }[];
    if (contexts.some(({ minted }) => minted) !== sets) throw new Error(`minted? ${told}`);
    // A key that is made up decides differently each time.
    if (sets && json['reason'] === 'FALLTHROUGH') return;
    if (json['version'] !== version || json['upstream'] !== upstream) throw new Error(told);
  });
  const details = await fc.check(property, { numRuns: 600 });
  if (details.failed)
    t.fail(`${String(details.errorInstance)}\n${await fc.asyncDefaultReportMessage(details)}`);
  t.ok(answered > 200, `${answered} answered`);
  t.ok(refused > 50, `${refused} refused`);
});

const told = async (asked: Asked) => (await proxy.explain(asked)).json;

await t.test('it says why, and where on the line somebody is', async (t) => {
  t.match(await told({ path: '/fact/', headers: { cookie: 'uid=bob' } }), {
    route: 'facts',
    flag: 'facts',
    version: '1',
    reason: 'TARGET_MATCH',
    meaning: 'the flag targets this context',
    upstream: 'v1',
    contexts: [{ kind: 'user', anonymous: false, minted: false }],
    bucket: null,
    warning: null,
  });
  const { version, bucket } = await told({ path: '/fact/', headers: { cookie: 'uid=carl; device=7' } });
  const { percent, movesAt, ranges } = bucket as { percent: number; movesAt: number; ranges: object[] };
  t.equal(version, percent < 50 ? '0' : '1');
  t.equal(movesAt, Math.ceil((100 - percent) * 1000) / 1000);
  t.strictSame(ranges, [
    { version: '0', from: 0, to: 50 },
    { version: '1', from: 50, to: 100 },
  ]);
  t.match(await told({ path: '/fact/', headers: { 'X-Plan': 'lead', cookie: 'uid=carl' } }), {
    version: '0',
    reason: 'UNKNOWN_VERSION',
  });
  t.match(await told({ path: '/both', host: 'off.example' }), { flag: 'off', version: '0', reason: 'OFF' });
  t.match(await told({ path: '/missing' }), { version: '1', reason: 'FLAG_NOT_FOUND' });
  t.match(await told({ path: '/both' }), { route: 'site', flag: null, version: null, reason: 'ROUTE' });
});

await t.test('what is no question is refused, and the answer says what to send', async (t) => {
  const path = '/fact/';
  const bad: [unknown, RegExp][] = [
    ['', /not JSON/],
    ['{', /not JSON/],
    ['\ufeff{"path":"/"', /not JSON/],
    ['[]', /no JSON object/],
    ['null', /no JSON object/],
    [{}, /^"path" cannot stand in a request; send \{ "path": "\/…", "method", "host", "headers"/],
    [{ path: 7 }, /^"path"/],
    [{ path: 'fact' }, /starts with \//],
    [{ path: '/a b' }, /^"path"/],
    [{ path: '/\r\nX: y' }, /^"path"/],
    [{ path: `/${'x'.repeat(2048)}` }, /^"path"/],
    [{ path, method: 'NONE' }, /^"method"/],
    [{ path, method: 'GET /x HTTP/1.1\r\n' }, /^"method"/],
    [{ path, host: 'a\r\nX: y' }, /^"host"/],
    [{ path, host: 'a/b' }, /host is malformed/],
    [{ path, host: ['a'] }, /^"host"/],
    [{ path, headers: 'Cookie: x' }, /^"headers"/],
    [{ path, headers: { cookie: 7 } }, /^"headers\.cookie"/],
    [{ path, headers: { cookie: 'uid=bob\r\nX-User-Id: alice' } }, /^"headers\.cookie"/],
    [{ path, headers: { cookie: 'a\0b' } }, /^"headers\.cookie"/],
    ['{"path":"/","headers":{"cookie":"\\ud800"}}', /^"headers\.cookie"/],
    [{ path, headers: { cookie: 'x'.repeat(4097) } }, /^"headers\.cookie"/],
    [{ path, headers: { 'a\u202e b': 'x' } }, /^"headers\.a\\u\{202e\} b"/],
    [{ path, headers: { [`x${'y'.repeat(70)}`]: '' } }, /^"headers\.xy+\.\.\."/],
    [{ path, headers: { Cookie: 'uid=bob', cookie: 'uid=alice' } }, /"cookie" is there twice/],
    [{ path, who: 'bob' }, /^unknown key "who"/],
    ['{"path":"/","__proto__":{"method":"POST"}}', /^unknown key "__proto__"/],
    [{ path, 'a\u001b[2J': 1 }, /^unknown key "a\\u001b\[2J"/],
  ];
  for (const [asked, detail] of bad)
    t.match(
      await proxy.explain(asked),
      { status: 400, json: { detail } },
      JSON.stringify(asked).slice(0, 60),
    );
  t.match(await proxy.explain({ path, headers: { x: 'y'.repeat(17_000) } }), {
    status: 400,
    json: { title: 'The body is larger than 16384 bytes' },
  });
  for (const method of ['GET', 'HEAD', 'PUT', 'OPTIONS']) {
    const { status, headers } = await request(proxy.adminPort, '/api/explain', { method });
    t.match({ status, headers }, { status: 405, headers: { allow: 'POST' } });
  }
  t.match(await askAdmin(proxy.adminPort, 'POST', '/api/explain/x', '{}'), { status: 404 });
});

await t.test('a body without an end is cut off at its bound', async (t) => {
  const chunk = `4000\r\n${' '.repeat(0x4000)}\r\n`;
  const head = 'POST /api/explain HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n';
  const { answers, ended } = await converse(proxy.adminPort, [head, chunk, chunk, chunk]);
  t.equal(statusOf(answers[0]), 400);
  t.match(answers[0]?.body, /larger than 16384 bytes/);
  t.ok(ended);
});

await t.test('names of prototypes are names', async (t) => {
  const text =
    '{"path":"/fact/","headers":{"__proto__":"x","constructor":"y","toString":"z","cookie":"uid=bob"}}';
  t.match(await proxy.explain(text), { status: 200, json: { version: '1', reason: 'TARGET_MATCH' } });
  t.match(await proxy.explain({ path: '/fact/', headers: { cookie: '__proto__=bob; constructor=x' } }), {
    status: 200,
    json: { contexts: [{ minted: true }] },
  });
});

await t.test('LaunchDarkly hears of no explanation', async (t) => {
  const stub = await launchDarklyStub({ flags: { facts: fixedFlag('facts', 1) } });
  t.teardown(stub.close);
  const { url } = await startUpstream(t, (_req, res) => res.end());
  const yaml = `
context: { user: { key: [{ cookie: uid }] } }
flags: { source: launchdarkly, sdkKey: sdk-key, relay: "${stub.url.origin}" }
upstreams: { v: { url: "${url}" } }
routes:
  - { name: facts, match: { path: /fact/ }, flag: facts, versions: { 0: v, 1: v }, default: 0 }
  - { name: missing, flag: missing, versions: { 0: v, 1: v }, default: 0 }
shutdown: { drain: 1s }
`;
  const proxy = await startProxy(t, yaml);
  const explain = explainer(proxy.adminPort);
  const headers = { cookie: 'uid=curious' };
  for (let i = 0; i < 5; i += 1) {
    t.match((await explain({ path: '/fact/', headers })).json, { version: '1', reason: 'FALLTHROUGH' });
    t.match((await explain({ path: '/', headers })).json, { version: '0', reason: 'FLAG_NOT_FOUND' });
  }
  await request(proxy.port, '/fact/', { headers: { cookie: 'uid=visitor' } });
  await proxy.stop();
  const events = stub.events();
  t.notMatch(JSON.stringify(events), /curious|missing/);
  const summary = events.find(({ kind }) => kind === 'summary');
  t.match(summary, { features: { facts: { counters: [{ count: 1 }] } } }, 'the one visit is told');
});
