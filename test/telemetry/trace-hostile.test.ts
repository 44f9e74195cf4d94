import t from 'tap';
import { request, sendRaw, until } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { keepSpans, newTrace } from '../support/spans.ts';
import { startUpstream } from '../support/upstream.ts';

const spans = keepSpans();
const upstream = await startUpstream(t, (_req, res) => res.end('served'));
const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
const valid = /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/;

const { traceId, traceparent } = newTrace();
const hostile: Record<string, Record<string, string | string[]>> = {
  'a trace of zeros': { traceparent: traceparent.replace(traceId, '0'.repeat(32)) },
  'a version to come, badly': { traceparent: `ff${traceparent.slice(2)}` },
  'an endless traceparent': { traceparent: `${traceparent}-${'x'.repeat(8000)}` },
  'bytes that are no text': { traceparent: '\u0080\u00ff\u00fe', tracestate: '\u0080=\u00ff' },
  'two traceparents': { traceparent: [traceparent, newTrace().traceparent] },
  'a tracestate of a thousand members': {
    traceparent,
    tracestate: Array.from({ length: 1000 }, (_, i) => `k${i}=v`).join(','),
  },
  'a broken tracestate': { traceparent, tracestate: '====,,,;;;=,\t' },
  'an endless baggage': { traceparent, baggage: `a=${'b'.repeat(9000)}` },
  'baggage that decodes to a head of its own': { traceparent, baggage: 'a=b%0d%0aX-Evil:%201,%0d%0aX=%' },
  'names of what objects have': { ['__proto__']: 'a', constructor: 'b', traceparent: 'toString' },
};

for (const [what, headers] of Object.entries(hostile))
  await t.test(`${what}: served, and the upstream is told of one valid trace`, async (t) => {
    t.equal((await request(proxy.port, '/fact/', { headers })).body, 'served');
    const seen = upstream.seen.at(-1);
    t.match(seen?.headers['traceparent'], valid);
    t.notOk('x-evil' in (seen?.headers ?? {}));
    const names = seen?.rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase()) ?? [];
    for (const name of ['traceparent', 'tracestate', 'baggage'])
      t.ok(names.filter((other) => other === name).length <= 1, `${name} once at the most`);
  });

await t.test('what is named in Connection is left out, and the new trace is not', async (t) => {
  const field = `traceparent: ${traceparent}\r\n`;
  await sendRaw(
    proxy.port,
    `GET /fact/ HTTP/1.1\r\nHost: a\r\nConnection: close, traceparent\r\n${field}\r\n`,
    false,
  );
  t.match(upstream.seen.at(-1)?.headers['traceparent'], valid);
});

await t.test('targets and hosts that are no text stay in their attributes', async (t) => {
  await sendRaw(proxy.port, 'GET /"\\%ff?q HTTP/1.1\r\nHost: \u00ff\r\n\r\n', false);
  const refused = await until(
    () => spans.all().find((span) => span.attributes['error.type'] === 'bad_host'),
    'its span',
  );
  t.match(refused.attributes, { 'url.path': '/"\\%ff', 'server.address': '\u00ff' });
  t.ok(spans.balance().once);
});
