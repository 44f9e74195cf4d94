import t from 'tap';
import { request } from '../support/client.ts';
import { percentFlag } from '../support/flags.ts';
import { launchDarklyStub } from '../support/launchdarkly-stub.ts';
import { startProxy } from '../support/proxy.ts';
import { keepSpans, newTrace } from '../support/spans.ts';
import { startUpstream } from '../support/upstream.ts';

const spans = keepSpans();
const stub = await launchDarklyStub({ flags: { facts: percentFlag('facts', 100) } });
t.teardown(stub.close);
const upstream = await startUpstream(t, (_req, res) => res.end());

/** The spans of a request of raccoon-7, with further keys of `flags`. */
async function asked(more = '') {
  const proxy = await startProxy(
    t,
    `
context: { user: { key: [{ cookie: uid }] } }
flags: { source: launchdarkly, sdkKey: sdk-key, relay: "${stub.url.origin}"${more} }
upstreams: { v0: { url: "${upstream.url}/v0" }, v1: { url: "${upstream.url}/v1" } }
routes: [{ name: facts, flag: facts, versions: { 0: v0, 1: v1 }, default: 0 }]
shutdown: { drain: 1s }
`,
  );
  const { traceId, traceparent } = newTrace();
  await request(proxy.port, '/', { headers: { traceparent, cookie: 'uid=raccoon-7' } });
  return spans.of(traceId);
}

await t.test('a decision by LaunchDarkly says so, and not for whom', async (t) => {
  const told = await asked();
  t.match(told.decision.attributes, {
    'feature_flag.key': 'facts',
    'feature_flag.provider.name': 'LaunchDarkly',
    'feature_flag.result.reason': 'split',
    'feature_flag.result.variant': '1',
  });
  const all = Object.values(told).map(({ name, attributes, events }) => ({ name, attributes, events }));
  t.notMatch(JSON.stringify(all), /raccoon-7/);
  t.same(told.decision.events, []);
});

// Why it is off unless asked for: its event always bears the key, and LaunchDarkly makes no metrics of one without.
await t.test(
  'tracingHook: LaunchDarkly’s own event is on the decision, with the key and no value',
  async (t) => {
    const { request, decision, exchange } = await asked(', tracingHook: true');
    t.match(decision.events, [
      {
        name: 'feature_flag',
        attributes: {
          'feature_flag.key': 'facts',
          'feature_flag.provider.name': 'LaunchDarkly',
          'feature_flag.context.id': 'raccoon-7',
          'feature_flag.result.variationIndex': 1,
        },
      },
    ]);
    t.notOk('feature_flag.result.value' in (decision.events[0]?.attributes ?? {}));
    t.same([request.events, exchange.events], [[], []]);
  },
);
