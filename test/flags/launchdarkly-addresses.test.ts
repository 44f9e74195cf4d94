import t from 'tap';
import { openFlags } from '../../src/flags/source.ts';
import { fixedFlag, keptLog, launchDarklyAt, opened, user } from '../support/flags.ts';
import { launchDarklyStub, type LaunchDarklyStub } from '../support/launchdarkly-stub.ts';
import { selfSigned } from '../support/self-signed.ts';

const asked = ({ requests }: LaunchDarklyStub) =>
  requests.map(({ method, url }) => `${method} ${url}`).toSorted();

await t.test('a relay takes everything, under its own path, with the key', async (t) => {
  const relay = await launchDarklyStub({ flags: { api: fixedFlag('api', 'v1') } }, { path: '/relay' });
  t.teardown(relay.close);
  const provider = await openFlags(
    launchDarklyAt(new URL('/relay/', relay.url), { events: true, sdkKey: 'sdk-relay' }),
    keptLog(),
  );
  t.equal((await provider.evaluate('api', user('1'), 0)).value, 'v1');
  await provider.close(1000);
  t.same(asked(relay), ['GET /relay/all', 'POST /relay/bulk', 'POST /relay/diagnostic']);
  t.same([...new Set(relay.requests.map(({ headers }) => headers.authorization))], ['sdk-relay']);
});

await t.test('separate addresses for the stream and the events', async (t) => {
  const stream = await launchDarklyStub({ flags: { api: fixedFlag('api', 'v1') } });
  const events = await launchDarklyStub({ flags: {} });
  t.teardown(stream.close);
  t.teardown(events.close);
  const provider = await openFlags(
    {
      source: 'launchdarkly',
      sdkKey: 'sdk',
      uris: { base: stream.url, stream: stream.url, events: events.url },
      initTimeout: 5000,
      metricSampling: 1,
      daemon: false,
      tracingHook: false,
      events: true,
    },
    keptLog(),
  );
  t.equal((await provider.evaluate('api', user('1'), 0)).value, 'v1');
  await provider.close(1000);
  t.same(asked(stream), ['GET /all']);
  t.same(asked(events), ['POST /bulk', 'POST /diagnostic']);
});

await t.test('http and https side by side are refused', async (t) => {
  const http = new URL('http://127.0.0.1:1');
  const https = new URL('https://127.0.0.1:1');
  await t.rejects(
    openFlags(
      {
        source: 'launchdarkly',
        sdkKey: 'sdk',
        uris: { base: http, stream: https, events: https },
        initTimeout: 100,
        metricSampling: 1,
        daemon: false,
        tracingHook: false,
        events: false,
      },
      keptLog(),
    ),
    { name: 'UserError', message: /^flags\.uris: / },
  );
});

await t.test(
  'a stream whose certificate nobody signed is not believed, and never sees the key',
  async (t) => {
    const stub = await launchDarklyStub({ flags: { api: fixedFlag('api', 'forged') } }, { tls: selfSigned });
    t.teardown(stub.close);
    const provider = await opened(t, launchDarklyAt(stub.url, { initTimeout: 500, events: true }));
    t.match(provider.state(), { initialized: false, healthy: false, detail: /self-signed certificate/ });
    t.equal((await provider.evaluate('api', user('1'), 'default')).value, 'default');
    t.same(stub.requests, []);
  },
);
