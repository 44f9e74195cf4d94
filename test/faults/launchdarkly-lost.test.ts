import t from 'tap';
import { request, until } from '../support/client.ts';
import { fixedFlag } from '../support/flags.ts';
import { launchDarklyStub } from '../support/launchdarkly-stub.ts';
import { startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

type Stub = Awaited<ReturnType<typeof launchDarklyStub>>;

const next = { flags: { facts: fixedFlag('facts', 0, 2) } };
const garbled = (text: string) => ({
  befall: (stub: Stub) => stub.garble('put', text),
  heal: (stub: Stub) => stub.put(next),
});
const troubles = {
  'is lost': {
    befall: (stub: Stub) => stub.down(),
    async heal(stub: Stub) {
      stub.set(next);
      await stub.up();
    },
  },
  'sends what is no JSON': garbled('{"path":"/","data":{"fl'),
  'sends JSON that is no flags': garbled('{"path":"/","data":{"flags":null}}'),
};

for (const [trouble, change] of Object.entries(troubles))
  await t.test(
    `LaunchDarkly ${trouble}: the last flags count, how old they are is a metric, and it ends`,
    async (t) => {
      const upstream = await startUpstream(t, (_req, res) => res.end());
      const stub = await launchDarklyStub({ flags: { facts: fixedFlag('facts', 1) } });
      t.teardown(stub.close);
      const proxy = await startProxy(
        t,
        `context: { user: { key: [{ cookie: uid }] } }
flags: { source: launchdarkly, sdkKey: sdk-key, relay: "${stub.url.origin}" }
upstreams: { v0: { url: "${upstream.url}" }, v1: { url: "${upstream.url}" } }
routes: [{ name: facts, flag: facts, versions: { 0: v0, 1: v1 }, default: 0 }]
shutdown: { drain: 1s }
`,
      );
      const served = async () =>
        (await request(proxy.port, '/fact/', { headers: { cookie: 'uid=7' } })).headers['x-api-version'];
      const metric = async (name: string) => {
        const { body } = await request(proxy.adminPort, '/metrics');
        return Number(new RegExp(`^trenchcoat_flag_source_${name} (\\S+)$`, 'm').exec(body)?.[1]);
      };
      t.equal(await served(), '1');
      t.same([await metric('ready'), await metric('stale_seconds')], [1, 0]);

      await change.befall(stub);
      let least = 0;
      await until(
        async () => {
          t.equal(await served(), '1', 'the last known value, not the default');
          const stale = await metric('stale_seconds');
          t.ok(stale >= least, 'it only grows');
          least = stale;
          return stale > 0.5;
        },
        'it shows in the metric',
        10_000,
      );
      t.equal(await metric('ready'), 0);
      t.match(await request(proxy.adminPort, '/readyz'), {
        status: 200,
        body: /the last known flags are served/,
      });

      await change.heal(stub);
      await until(async () => (await served()) === '0', 'new flags count', 30_000);
      t.same([await metric('ready'), await metric('stale_seconds')], [1, 0]);
    },
  );
