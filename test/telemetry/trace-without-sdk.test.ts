import t from 'tap';
import { request } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { newTrace } from '../support/spans.ts';
import { startUpstream } from '../support/upstream.ts';

const upstream = await startUpstream(t, (_req, res) => res.end());
const started = (more = '') =>
  startProxy(t, flagged(upstream.url, upstream.url, more), { 'flags.yaml': evenFlags });

/** What the upstream is told of the trace of a request, and the log line. */
async function told(
  proxy: Awaited<ReturnType<typeof started>>,
  headers: Record<string, string | string[]> = {},
) {
  const id = `${Math.random()}`;
  await request(proxy.port, '/fact/', { headers: { ...headers, 'x-request-id': id } });
  const { traceparent, tracestate } = upstream.seen.at(-1)?.headers ?? {};
  return { traceparent, tracestate, traceId: (await proxy.accessLine(id)).traceId };
}

const { traceId, traceparent } = newTrace();
const invalid = {
  'too short': traceparent.slice(0, -1),
  'too long': `${traceparent}-00`,
  'in capitals': traceparent.toUpperCase().replace('00-', '0A-'),
  'of version ff': traceparent.replace('00-', 'ff-'),
  'without a trace': traceparent.replace(traceId, '0'.repeat(32)),
  'without a parent': traceparent.replace(/-[^-]{16}-/, `-${'0'.repeat(16)}-`),
  empty: '',
  'long and wrong': '0'.repeat(8000),
  'not ASCII': `${traceparent}\u00e9`,
  repeated: [traceparent, newTrace().traceparent],
};

await t.test('a trace passes as it came, and the log line names it', async (t) => {
  for (const start of ['off', 'sampled', 'unsampled']) {
    const proxy = await started(`traces: { start: ${start} }`);
    const tracestate = 'rojo=1, congo=2';
    t.same(await told(proxy, { traceparent, tracestate }), { traceparent, tracestate, traceId });
    const later = `cc-${traceparent.slice(3)}-what-the-future-will-be-like`;
    t.same(await told(proxy, { traceparent: later }), { traceparent: later, tracestate: undefined, traceId });
  }
});

await t.test('none is started unless asked for, and what is no trace passes too', async (t) => {
  const proxy = await started();
  t.same(await told(proxy), { traceparent: undefined, tracestate: undefined, traceId: undefined });
  for (const [what, given] of Object.entries(invalid)) {
    const came = Array.isArray(given) ? given.join(', ') : given;
    const expected = { traceparent: came, tracestate: 'a=1', traceId: undefined };
    t.same(await told(proxy, { traceparent: given, tracestate: 'a=1' }), expected, what);
  }
});

for (const [start, flags] of [
  ['sampled', '01'],
  ['unsampled', '00'],
] as const)
  await t.test(`${start}: a request without a trace starts one`, async (t) => {
    const proxy = await started(`traces: { start: ${start} }`);
    const fresh = new RegExp(`^00-([0-9a-f]{32})-[0-9a-f]{16}-${flags}$`);
    const ids = new Set<string>();
    for (const [what, given] of [['absent', undefined] as const, ...Object.entries(invalid)]) {
      const line = await told(proxy, {
        ...(given !== undefined && { traceparent: given }),
        tracestate: 'a=1',
      });
      t.match(line.traceparent, fresh, what);
      t.equal(line.traceId, fresh.exec(line.traceparent as string)?.[1]);
      if (given !== undefined) t.equal(line.tracestate, undefined, 'its state is nobody’s');
      ids.add(line.traceId ?? '');
    }
    t.equal(ids.size, Object.keys(invalid).length + 1, 'each another');
  });

await t.test('a request that goes nowhere is named by its trace, and starts none', async (t) => {
  const proxy = await started('traces: { start: sampled }');
  const refused = async (id: string, headers: Record<string, string>) => {
    await request(proxy.port, `/${'x'.repeat(9000)}`, { headers: { ...headers, 'x-request-id': id } });
    return (await proxy.accessLine(id)).traceId;
  };
  t.equal(await refused('with', { traceparent }), traceId);
  t.equal(await refused('without', {}), undefined);
});
