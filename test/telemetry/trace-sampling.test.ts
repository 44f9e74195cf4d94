import t from 'tap';
import { context, propagation, trace } from '@opentelemetry/api';
import { request } from '../support/client.ts';
import { plain } from '../support/dialogue.ts';
import { startProxy } from '../support/proxy.ts';
import { keepSpans, newTrace } from '../support/spans.ts';
import { startUpstream } from '../support/upstream.ts';

// Why nothing is started unless asked for: whoever starts a trace decides for all behind, and an SDK follows, unless
// it was told otherwise.
await t.test('an SDK behind keeps what was started sampled, and drops what was not', async (t) => {
  const seen: boolean[] = [];
  // The proxies start before there is an SDK, as if they were processes of their own.
  const behind = await startUpstream(t, (req, res) => {
    const from = propagation.extract(context.active(), req.headers);
    const span = trace.getTracer('upstream').startSpan('work', {}, from);
    seen.push(span.isRecording());
    span.end();
    res.end();
  });
  const proxies = [];
  for (const start of ['off', 'sampled', 'unsampled'])
    proxies.push(await startProxy(t, `${plain(behind.url)}traces: { start: ${start} }`));
  const spans = keepSpans();
  for (const { port } of proxies) await request(port, '/');
  t.same(seen, [true, true, false]);
  t.equal(spans.all().length, 2);
});

await t.test('where an SDK is in the proxy it decides, as it is told by the client', async (t) => {
  const behind = await startUpstream(t, (_req, res) => res.end());
  // In this process there is one by now.
  const proxy = await startProxy(t, `${plain(behind.url)}traces: { start: unsampled }`);
  const told = async (headers: Record<string, string>) => {
    await request(proxy.port, '/', { headers });
    return behind.seen.at(-1)?.headers['traceparent'] ?? '';
  };
  t.match(await told({}), /^00-.*-01$/, 'its own choice');
  const { traceId, traceparent } = newTrace('00');
  t.match(await told({ traceparent }), new RegExp(`^00-${traceId}-.*-00$`), 'a child, and not sampled');
  t.equal((await proxy.accessLine()).level, 'info');
});
