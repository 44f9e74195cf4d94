import t, { type Test } from 'tap';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readPage } from '../../src/admin/page.ts';
import { request, until } from '../support/client.ts';
import { fixedFlag } from '../support/flags.ts';
import { launchDarklyStub } from '../support/launchdarkly-stub.ts';
import { startProxy, type Running } from '../support/proxy.ts';
import { skipWithoutRedis, startRedis } from '../support/redis.ts';
import { steadyClient } from '../support/steady-client.ts';
import { startUpstream } from '../support/upstream.ts';
import { webhookReceiver } from '../support/webhook-receiver.ts';

const token = 'unspoken-admin-token';
const authorization = `Bearer ${token}`;

/** Each holds this word, so that it is found wherever it stands, and in whatever company. */
const hidden = /unspoken/i;
/** The same in Base64 and in hexadecimal, which is how it travels in credentials, and how a key is hashed. */
const disguised = [0, 1, 2].map((shift) =>
  Buffer.from(`${' '.repeat(shift)}unspoken-`)
    .toString('base64')
    .slice(shift === 0 ? 0 : shift + 1, -3),
);

/** Everything that can be asked of an admin port, as it is answered: heads and bodies. */
async function crawl({ adminPort }: Running): Promise<[asked: string, answer: string][]> {
  const pages = [...(await readPage()).files.keys()];
  const reads = [
    '/livez',
    '/readyz',
    '/metrics',
    '/api',
    '/api/rollouts',
    '/api/rollouts/facts',
    '/api/guard',
  ].concat([
    '/api/guard/facts',
    '/api/history/facts',
    '/api/history/facts?span=day',
    '/api/history/x',
    '/nothing',
    ...pages,
  ]);
  const secretly = {
    cookie: 'uid=unspoken-cookie; trenchcoat_id=unspoken',
    authorization: 'Bearer unspoken-bearer',
    'x-user-id': 'unspoken-header',
    'x-plan': 'unspoken-plan',
    'x-api-version': '1',
    'x-trenchcoat-secret': 'unspoken-override-secret',
  };
  const questions = [
    { path: '/fact/?uid=unspoken-query', headers: { 'x-plan': 'unspoken-plan' } },
    { path: '/fact/?uid=unspoken-query', headers: secretly },
    { path: '/fact/?unspoken', headers: { cookie: 'uid=unspoken-target' } },
    { path: '/else?unspoken', host: 'site.example', headers: secretly },
    { path: '/missing?unspoken-query', headers: secretly },
  ];
  const posts: [string, string][] = questions.map((question) => ['/api/explain', JSON.stringify(question)]);
  posts.push(
    ['/api/explain', JSON.stringify({ path: '/fact/', headers: { cookie: 'uid=unspoken\r\n' } })],
    ['/api/explain', JSON.stringify({ path: '/fact/', headers: { 'x-user-id': ['unspoken'] } })],
    ['/api/explain', '{"path":"/fact/","headers":{"cookie":"unspoken"'],
    ['/api/rollouts/facts/pause', '{"why":["unspoken"]}'],
    ['/api/guard/facts/clear', '{"why":'],
  );
  const answers: [string, string][] = [];
  const ask = async (path: string, method: string, headers: Record<string, string>, body?: string) => {
    const answer = await request(adminPort, path, { method, headers, ...(body !== undefined && { body }) });
    answers.push([`${method} ${path}`, `${answer.rawHeaders.join('\n')}\n${answer.body}`]);
  };
  for (const path of reads) {
    await ask(path, 'GET', { authorization });
    await ask(path, 'GET', {
      authorization: 'Bearer unspoken-guess',
      cookie: 'unspoken=1',
      'x-user-id': 'unspoken',
    });
  }
  for (const [path, body] of posts) await ask(path, 'POST', { authorization, cookie: 'unspoken=1' }, body);
  answers.push(['GET /api/live', await liveText(adminPort)]);
  return answers;
}

/** What is told live, for three seconds. */
async function liveText(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/api/live`, { headers: { authorization } });
  let text = '';
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    text += Buffer.from(part).toString();
    if (text.split('\n\n').length > 3) break;
  }
  return text;
}

async function tellsNothing(t: Test, proxy: Running, when: string): Promise<string> {
  const answers = await crawl(proxy);
  for (const [asked, answer] of answers) {
    const at = hidden.exec(answer)?.index;
    const around = at === undefined ? undefined : answer.slice(Math.max(0, at - 100), at + 100);
    t.equal(around, undefined, `${when}: ${asked}`);
    t.notOk(
      disguised.some((form) => answer.includes(form)),
      `${when}: ${asked}, encoded`,
    );
  }
  return answers.map(([, answer]) => answer).join('\n');
}

/** Somebody with something to hide on every part of the request. */
const visit = (port: number, path: string, uid: string) =>
  request(port, `${path}?uid=unspoken-query&unspoken=1`, {
    headers: {
      cookie: `uid=${uid}; session=unspoken-session`,
      authorization: 'Bearer unspoken-bearer',
      'x-user-id': 'unspoken-header',
      'x-plan': 'unspoken-plan',
      'x-request-id': 'unspoken-request',
      referer: 'http://unspoken.example/',
      'user-agent': 'unspoken-agent',
    },
  });

const target = {
  key: 'facts',
  version: 1,
  salt: 'unspoken-salt',
  on: true,
  variations: [0, 1, 'unspoken-variation'],
  offVariation: 0,
  targets: [{ variation: 1, values: ['unspoken-target', 'unspoken-other-user@example.com'] }],
  rules: [
    {
      id: 'unspoken-rule',
      variation: 1,
      clauses: [
        { attribute: 'plan', op: 'in', values: ['unspoken-plan'] },
        { attribute: 'email', op: 'endsWith', values: ['@unspoken.example'] },
      ],
    },
    {
      id: 'unspoken-segment-rule',
      variation: 1,
      clauses: [{ op: 'segmentMatch', values: ['unspoken-segment'] }],
    },
  ],
  fallthrough: {
    rollout: {
      variations: [
        { variation: 0, weight: 50_000 },
        { variation: 1, weight: 50_000 },
      ],
    },
  },
  prerequisites: [{ key: 'unspoken-prerequisite', variation: 0 }],
};

const context = `
context:
  user:
    key: [{ cookie: uid }, { query: uid }, { header: X-User-Id }, { header: Authorization, hash: true }]
    attributes: { plan: { header: X-Plan } }
    private: [plan]`;

const routes = (url: string, guard = '') => `
upstreams: { v0: { url: "${url}" }, v1: { url: "${url}/v1" } }
routes:
  - { name: facts, match: { path: /fact/ }, flag: facts, versions: { 0: v0, 1: v1 }, default: 0${guard} }
  - { name: site, match: { host: site.example }, upstream: v0 }
override: { secret: unspoken-override-secret }
shutdown: { drain: 1s }
admin: { address: "127.0.0.1:0", token: ${token} }`;

await t.test(
  'with LaunchDarkly, Redis and webhooks, whether they are there or not',
  { skip: skipWithoutRedis() },
  async (t) => {
    const { url } = await startUpstream(t, (req, res) => {
      res.statusCode = req.url?.startsWith('/v1') === true ? 500 : 200;
      res.setHeader('set-cookie', 'unspoken=1').end('unspoken');
    });
    const stub = await launchDarklyStub({
      flags: { facts: target, 'unspoken-prerequisite': fixedFlag('unspoken-prerequisite', 0) },
    });
    t.teardown(stub.close);
    const redis = await startRedis(t, { password: 'unspoken-redis-password' });
    const withPassword = redis.url.replace('//', '//:unspoken-redis-password@');
    const hook = await webhookReceiver(t, () => 500);
    const guard = `, guard: { onRegression: rollback,
      launchdarkly: { apiToken: unspoken-api-token, project: p, environment: e, url: "${stub.url.origin}" } }`;
    const proxy = await startProxy(
      t,
      `${context}
flags: { source: launchdarkly, sdkKey: unspoken-sdk-key, relay: "${stub.url.origin}", store: "${withPassword}" }
state: "${withPassword}"
notify:
  - { webhook: "${hook.origin}/unspoken/path?unspoken=query", secret: "whsec_${Buffer.from('unspoken-webhook-secret').toString('base64')}" }
${routes(url, guard)}`,
    );
    // The guard finds v1 worse, and fails to tell LaunchDarkly and the webhook so.
    const client = steadyClient(t, [proxy.port], { rate: 50 });
    const shown = async () =>
      (await request(proxy.adminPort, '/api/guard/facts', { headers: { authorization } })).body;
    await until(async () => /"trip":\{/.test(await shown()), 'found', 20_000);
    await client.stop();
    await until(() => hook.deliveries.length > 0, 'told');
    for (const uid of ['unspoken-target', 'unspoken-cookie']) await visit(proxy.port, '/fact/', uid);
    const seen = await tellsNothing(t, proxy, 'all is well');
    t.match(seen, /trenchcoat_requests_total\{[^}]*route="facts"/, 'there was something to tell');
    t.match(seen, /"upstream":"v1"/);
    t.match(seen, /event: snapshot/);

    await stub.down();
    await redis.kill();
    await visit(proxy.port, '/fact/', 'unspoken-cookie');
    await until(
      async () =>
        !(await request(proxy.adminPort, '/readyz', { headers: { authorization } })).body.includes(
          'flags stream from LaunchDarkly"',
        ),
      'the outage is noticed',
      10_000,
    );
    await tellsNothing(t, proxy, 'LaunchDarkly and Redis are away');
  },
);

// What is wrong with a file is said with what stands there, where it may be a user's key; the log alone has that.
await t.test('with a flag file, whether it is good or broken', async (t) => {
  const { url } = await startUpstream(t, (_req, res) => res.end('unspoken'));
  const fine = { ...target, prerequisites: [] };
  const segments = {
    'unspoken-segment': { key: 'unspoken-segment', version: 1, included: ['unspoken-member'] },
  };
  const file = (facts: unknown) => JSON.stringify({ flags: { facts }, segments });
  const proxy = await startProxy(
    t,
    `${context}
flags: { source: local, file: flags.json }${routes(url)}`,
    { 'flags.json': file(fine) },
  );
  for (const uid of ['unspoken-target', 'unspoken-cookie']) await visit(proxy.port, '/fact/', uid);
  await tellsNothing(t, proxy, 'a good file');
  const broken = [
    file({ ...fine, targets: 'unspoken-target' }),
    file({ ...fine, targets: [{ variation: 'unspoken', values: ['unspoken-target'] }] }),
    file({ ...fine, targets: [{ variation: 0, values: { 'unspoken-target': true } }] }),
    file({ ...fine, targets: [{ variation: 0, values: [1], 'unspoken-target': 1 }] }),
    file({
      ...fine,
      rules: [{ variation: 1, clauses: [{ attribute: 'email', op: '@unspoken', values: [] }] }],
    }),
    `${file(fine)}unspoken-target`,
    'flags: { facts: { on: "unspoken" } }',
    'unspoken',
  ];
  for (const text of broken) {
    writeFileSync(join(proxy.folder, 'flags.json'), file(fine));
    const detail = async () =>
      (await request(proxy.adminPort, '/readyz', { headers: { authorization } })).body;
    await until(async () => /"flags":"flags from/.test(await detail()), 'it is good again');
    writeFileSync(join(proxy.folder, 'flags.json'), text);
    const said = await until(
      async () => /"flags":"the last good.*/.exec(await detail())?.[0],
      'it is broken',
    );
    t.notMatch(said, hidden, text.slice(0, 60));
  }
  await tellsNothing(t, proxy, 'a broken file');
});
