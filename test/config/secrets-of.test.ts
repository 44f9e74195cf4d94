import t from 'tap';
import { publicJsonSchema } from '../../src/config/json-schema.ts';
import { secretsOf } from '../../src/config/secrets.ts';
import { entriesOf, isMap } from '../../src/config/values.ts';
import { load } from '../support/config.ts';

const upstreams = 'upstreams: { v0: { url: http://a } }\n';
const plain = `${upstreams}routes: [{ name: r, upstream: v0 }]\n`;
const launchdarkly = `${plain}flags: { source: launchdarkly, sdkKey: SDK-KEY`;
const guarded =
  'guard: { launchdarkly: { apiToken: THE-SECRET, project: p, environment: e } } }]\nflags: { source: launchdarkly, sdkKey: SDK-KEY }\n';

/** For each key that the schema says is a secret: a configuration that has one there, and what must not be shown of it. */
const samples: Record<string, [yaml: string, ...texts: string[]]> = {
  'admin.token': [`${plain}admin: { address: 127.0.0.1:0, token: THE-SECRET }`, 'THE-SECRET'],
  'override.secret': [`${plain}override: { secret: THE-SECRET }`, 'THE-SECRET'],
  'flags.sdkKey': [`${launchdarkly} }`, 'SDK-KEY'],
  'flags.proxy': [
    `${launchdarkly}, proxy: "http://me:p%40ss-word@h:1" }`,
    'p%40ss-word',
    'p@ss-word',
    Buffer.from('me:p@ss-word').toString('base64'),
  ],
  'flags.store': [`${launchdarkly}, store: "rediss://:p%40ss-word@h:1/0" }`, 'p%40ss-word', 'p@ss-word'],
  'routes[].guard.launchdarkly.apiToken': [
    `${upstreams}routes: [{ name: r, flag: f, versions: { 0: v0, 1: v0 }, default: 0, ${guarded}`,
    'THE-SECRET',
  ],
  state: [`${plain}state: "redis://u:p%40ss-word@h:1/0"`, 'p%40ss-word', 'p@ss-word'],
  'state.redis': [`${plain}state: { redis: "redis://u:p%40ss-word@h:1/0" }`, 'p%40ss-word', 'p@ss-word'],
  'notify[].webhook': [
    `${plain}notify: [{ webhook: "https://h/services/T0/B0/XyZ?key=THE-SECRET" }]`,
    '/services/T0/B0/XyZ',
    'key=THE-SECRET',
  ],
  'notify[].secret': [
    `${plain}notify: [{ webhook: "https://h/", secret: whsec_THE-SECRET }]`,
    'whsec_THE-SECRET',
    'THE-SECRET',
  ],
};

/** The keys that the schema marks as secrets. */
function* secretKeys(node: unknown, path = ''): Generator<string> {
  if (!isMap(node)) return;
  if (node['writeOnly'] === true) yield path;
  for (const choice of [node['anyOf'], node['oneOf']].flat()) yield* secretKeys(choice, path);
  yield* secretKeys(node['items'], `${path}[]`);
  yield* secretKeys(node['additionalProperties'], `${path}.NAME`);
  for (const [key, child] of entriesOf(node['properties']))
    yield* secretKeys(child, path === '' ? key : `${path}.${key}`);
}

await t.test('every key that is a secret has a sample here', (t) => {
  t.strictSame([...new Set(secretKeys(publicJsonSchema()))].toSorted(), Object.keys(samples).toSorted());
  t.end();
});

for (const [key, [yaml, ...texts]] of Object.entries(samples))
  await t.test(`${key} is one of the secrets`, async (t) => {
    const { config, problems } = await load(yaml);
    t.strictSame(problems, []);
    if (config === undefined) return;
    const found = new Set(secretsOf(config).map(({ text }) => text));
    for (const text of texts) t.ok(found.has(text), text);
  });

await t.test('a user without a password may be a token', async (t) => {
  const { config } = await load(`${launchdarkly}, proxy: "http://THE-TOKEN@h:1" }`);
  const found = config && secretsOf(config);
  t.ok(found?.some(({ key, text }) => key === 'flags.proxy' && text === 'THE-TOKEN'));
});

await t.test('what is not there, or opens nothing, is no secret', async (t) => {
  const { config } = await load(
    `${plain}override: { secret: "" }\nstate: "redis://h"\nnotify: [{ webhook: "https://h/hook" }]`,
  );
  t.strictSame(config && secretsOf(config), []);
});
