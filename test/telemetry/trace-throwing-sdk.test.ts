import t from 'tap';
import { propagation } from '@opentelemetry/api';
import { BatchSpanProcessor, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { request } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { newTrace } from '../support/spans.ts';
import { startUpstream } from '../support/upstream.ts';

/** Where the user's own part throws now. */
let broken = '';
const part = (name: string) => {
  if (name === broken) throw new Error(`${name} is broken`);
};

const exporter = {
  export(_spans: unknown, done: (result: { code: number }) => void) {
    part('export');
    done({ code: 0 });
  },
  shutdown: async () => {},
};

new NodeTracerProvider({
  sampler: {
    shouldSample() {
      part('sampler');
      return { decision: 2 };
    },
    toString: () => 'sampler',
  },
  spanProcessors: [
    {
      onStart: () => part('onStart'),
      onEnding: () => part('onEnding'),
      onEnd: () => part('onEnd'),
      forceFlush: async () => part('forceFlush'),
      shutdown: async () => {},
    },
    new SimpleSpanProcessor(exporter),
    new BatchSpanProcessor(exporter, { scheduledDelayMillis: 1 }),
  ],
}).register({
  propagator: {
    inject(_context, carrier, setter) {
      part('inject');
      setter.set(carrier, 'traceparent', 'ours');
      if (broken === 'a line break') setter.set(carrier, 'x-tenant', 'a\r\nX-Evil: 1');
      if (broken === 'a bad name') setter.set(carrier, 'x tenant: 1\r\nx', 'a');
      if (broken === 'no text') setter.set(carrier, 'x-tenant', undefined as never);
    },
    extract(context) {
      part('extract');
      return context;
    },
    fields: () => ['Traceparent'],
  },
});
t.equal(propagation.fields()[0], 'Traceparent');

const upstream = await startUpstream(t, (_req, res) => res.end('served'));

for (const name of ['sampler', 'onStart', 'onEnding', 'onEnd', 'extract', 'inject', 'forceFlush'])
  await t.test(`a user's ${name} that throws breaks no request, and is told of once`, async (t) => {
    broken = name;
    const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
    const { traceparent } = newTrace();
    for (let i = 0; i < 3; i += 1) {
      const headers = { traceparent, cookie: 'uid=bob' };
      t.match(await request(proxy.port, '/fact/', { headers }), {
        status: 200,
        body: 'served',
        headers: { 'x-api-version': '1' },
      });
      const passed = ['sampler', 'onStart', 'extract', 'inject'].includes(name);
      t.equal(upstream.seen.at(-1)?.headers['traceparent'], passed ? traceparent : 'ours');
    }
    await proxy.stop();
    t.equal(proxy.logText().match(/OpenTelemetry SDK failed/g)?.length, 1);
    t.match(proxy.logText(), new RegExp(`${name} is broken`));
  });

await t.test("a user's exporter that throws breaks no request", async (t) => {
  broken = 'export';
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  for (let i = 0; i < 3; i += 1) t.equal((await request(proxy.port, '/fact/')).status, 200);
  await proxy.stop();
});

for (const name of ['a line break', 'a bad name', 'no text'])
  await t.test(`a propagator that writes ${name} writes nothing`, async (t) => {
    broken = name;
    const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
    t.equal((await request(proxy.port, '/fact/')).status, 200);
    const { headers } = upstream.seen.at(-1) ?? {};
    t.equal(headers?.['traceparent'], 'ours');
    t.notOk(Object.keys(headers ?? {}).some((name) => /tenant|evil/.test(name)));
  });
