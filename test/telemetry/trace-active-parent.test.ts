import t from 'tap';
import http from 'node:http';
import { context, SpanKind, trace, type Span } from '@opentelemetry/api';
import { request } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { keepSpans, newTrace } from '../support/spans.ts';
import { startUpstream } from '../support/upstream.ts';

const spans = keepSpans();

// What instrumentations of node:http do: they wrap `emit`, and have a span active while a request is handled.
const emit = Reflect.get(http.Server.prototype, 'emit') as (event: string, ...args: unknown[]) => boolean;
const theirs: Span[] = [];
http.Server.prototype.emit = function (this: http.Server, event: string, ...args: unknown[]) {
  const [req] = args as [http.IncomingMessage];
  if (event !== 'request' || req.headers['x-instrumented'] === undefined)
    return emit.call(this, event, ...args);
  const span = trace.getTracer('theirs').startSpan('theirs', { kind: SpanKind.SERVER });
  theirs.push(span);
  return context.with(trace.setSpan(context.active(), span), () => emit.call(this, event, ...args));
};
t.teardown(() => Reflect.deleteProperty(http.Server.prototype, 'emit'));

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
t.teardown(() => agent.destroy());
const upstream = await startUpstream(t, (_req, res) => res.end());
const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });

await t.test("a span that a user's instrumentation has made active is the parent", async (t) => {
  const { traceparent } = newTrace();
  await request(proxy.port, '/fact/', { agent, headers: { traceparent, 'x-instrumented': 'yes' } });
  const { traceId, spanId } = theirs[0]?.spanContext() ?? { traceId: '' };
  const { request: own, exchange } = await spans.of(traceId);
  t.equal(own.parentSpanContext?.spanId, spanId);
  t.equal(exchange.spanContext().traceId, traceId);
});

await t.test('it is nobody else’s, on the same connections', async (t) => {
  const { traceId, spanId, traceparent } = newTrace();
  await request(proxy.port, '/fact/', { agent, headers: { traceparent } });
  const { request: own } = await spans.of(traceId);
  t.equal(own.parentSpanContext?.spanId, spanId);
});
