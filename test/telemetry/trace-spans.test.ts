import t from 'tap';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { request } from '../support/client.ts';
import { fixedFlag } from '../support/flags.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { keepSpans, newTrace } from '../support/spans.ts';
import { startUpstream } from '../support/upstream.ts';

const spans = keepSpans();
const id = (span: ReadableSpan) => span.spanContext().spanId;
const parent = (span: ReadableSpan) => span.parentSpanContext?.spanId;

const milliseconds = ([seconds, nanoseconds]: readonly [number, number]) =>
  seconds * 1000 + nanoseconds / 1e6;

/** Milliseconds that the upstream takes where it is slow. */
const slowly = 50;

// An upstream that is instrumented in the same way: it goes on with what the proxy tells it.
const upstream = await startUpstream(t, (req, res) => {
  const from = propagation.extract(context.active(), req.headers);
  trace.getTracer('upstream').startSpan('work', { kind: SpanKind.SERVER }, from).end();
  res.setHeader('x-load', propagation.getBaggage(from)?.getEntry('tenant')?.value ?? '');
  if (req.url?.includes('slow')) return void setTimeout(() => res.end(), slowly);
  res.writeHead(req.url?.includes('missing') ? 404 : req.url?.includes('broken') ? 503 : 200).end('fact');
});
const proxy = await startProxy(t, flagged(`${upstream.url}/v0`, `${upstream.url}/v1`), {
  'flags.yaml': evenFlags,
});

await t.test('client, proxy, decision, exchange and upstream are one trace', async (t) => {
  const client = trace.getTracer('client').startSpan('visit', { kind: SpanKind.CLIENT });
  const headers = { cookie: 'uid=bob', host: 'api.example:8080', baggage: 'tenant=dumpster' };
  propagation.inject(trace.setSpan(context.active(), client), headers);
  const answer = await request(proxy.port, '/fact/a%20b?token=hunter2', { headers });
  client.end();
  const { traceId, spanId } = client.spanContext();
  const { request: server, decision, exchange } = await spans.of(traceId);
  const work = spans.all().find((span) => span.name === 'work');

  t.equal(parent(server), spanId);
  t.equal(parent(decision), id(server));
  t.equal(parent(exchange), id(server));
  t.equal(work?.parentSpanContext?.spanId, id(exchange), 'the upstream goes on from the exchange');
  t.equal(work?.spanContext().traceId, traceId);
  t.equal(answer.headers['x-load'], 'dumpster', 'baggage goes with it');
  t.notOk(
    answer.rawHeaders.some((name) => /^trace/i.test(name)),
    'the client is told nothing',
  );
  t.same(upstream.seen[0]?.rawHeaders.filter((name) => /^(traceparent|baggage)$/i.test(name)).length, 2);

  t.equal(server.name, 'GET /fact/');
  t.same(server.attributes, {
    'http.request.method': 'GET',
    'url.path': '/fact/a%20b',
    'url.scheme': 'http',
    'network.protocol.version': '1.1',
    'server.address': 'api.example',
    'server.port': 8080,
    'client.address': '127.0.0.1',
    'http.route': '/fact/',
    'http.response.status_code': 200,
    'trenchcoat.route': 'facts',
    'trenchcoat.version': '1',
    'trenchcoat.reason': 'TARGET_MATCH',
  });
  t.equal(decision.name, 'decide facts');
  t.same(decision.attributes, {
    'feature_flag.key': 'facts',
    'feature_flag.provider.name': 'trenchcoat',
    'feature_flag.result.reason': 'targeting_match',
    'feature_flag.result.variant': '1',
  });
  t.equal(exchange.name, 'GET');
  t.same(exchange.attributes, {
    'http.request.method': 'GET',
    'server.address': '127.0.0.1',
    'server.port': upstream.port,
    'url.full': `${upstream.url}/v1/fact/a%20b`,
    'network.protocol.version': '1.1',
    'http.response.status_code': 200,
  });
  for (const span of [server, decision, exchange]) t.equal(span.status.code, SpanStatusCode.UNSET);
  t.notMatch(JSON.stringify([server, decision, exchange].map(({ attributes }) => attributes)), /hunter2|bob/);
  t.equal((await proxy.accessLine()).traceId, traceId, 'the log line names the trace');
});

await t.test('each span is as long as what it tells of, and the request as long as all', async (t) => {
  const { traceId, traceparent } = newTrace();
  const before = Date.now();
  await request(proxy.port, '/fact/slow', { headers: { traceparent, cookie: 'uid=bob' } });
  const took = Date.now() - before;
  const { request: server, decision, exchange } = await spans.of(traceId);
  const [whole, deciding, sent] = [server, decision, exchange].map(({ duration }) =>
    milliseconds(duration),
  ) as [number, number, number];
  t.ok(
    sent > slowly - 5 && sent + deciding < whole && whole < took + 5,
    `${deciding}, ${sent} of ${whole} ms`,
  );
  // Each span asks the clock anew, which tells whole milliseconds.
  t.ok(milliseconds(exchange.startTime) > milliseconds(server.startTime) - 2);
  t.ok(Math.abs(milliseconds(server.startTime) - before) < took + 5, 'by the clock');
});

await t.test('a request without a trace begins one, and without a flag has no decision', async (t) => {
  const answer = await request(proxy.port, '/site', { headers: { 'x-request-id': 'own' } });
  t.equal(answer.status, 200);
  const { traceId = '' } = await proxy.accessLine('own');
  const { request: server, decision, exchange } = await spans.of(traceId);
  t.equal(parent(server), undefined);
  t.equal(decision, undefined);
  t.match(server, {
    name: 'GET /',
    attributes: { 'trenchcoat.route': 'site', 'trenchcoat.reason': 'ROUTE' },
  });
  t.equal(upstream.seen.at(-1)?.headers['traceparent'], `00-${traceId}-${id(exchange)}-01`);
});

await t.test('an unknown method names no span', async (t) => {
  const { traceId, traceparent } = newTrace();
  await request(proxy.port, '/fact/', { method: 'PROPFIND', headers: { traceparent } });
  const { request: server, exchange } = await spans.of(traceId);
  t.equal(server.name, 'HTTP /fact/');
  for (const { attributes } of [server, exchange])
    t.match(attributes, { 'http.request.method': '_OTHER', 'http.request.method_original': 'PROPFIND' });
});

await t.test('an answer of 4xx is an error of the exchange alone, one of 5xx of both', async (t) => {
  for (const [path, status, failed] of [
    ['/fact/missing', 404, false],
    ['/fact/broken', 503, true],
  ] as const) {
    const { traceId, traceparent } = newTrace();
    await request(proxy.port, path, { headers: { traceparent } });
    const { request: server, exchange } = await spans.of(traceId);
    t.match(exchange, { status: { code: SpanStatusCode.ERROR }, attributes: { 'error.type': `${status}` } });
    t.equal(server.status.code, failed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET);
    t.equal(server.attributes['error.type'], failed ? '503' : undefined);
    t.equal(server.attributes['http.response.status_code'], status);
  }
});

await t.test('tracestate is kept', async (t) => {
  const { traceId, traceparent } = newTrace();
  await request(proxy.port, '/fact/', { headers: { traceparent, tracestate: 'rojo=1,congo=t61rcWkgMzE' } });
  await spans.of(traceId);
  t.equal(upstream.seen.at(-1)?.headers['tracestate'], 'rojo=1,congo=t61rcWkgMzE');
});

/** The decision for carol, whom no target names. */
async function told(port: number): Promise<ReadableSpan> {
  const { traceId, traceparent } = newTrace();
  await request(port, '/fact/', { headers: { traceparent, cookie: 'uid=carol' } });
  return (await spans.of(traceId)).decision;
}

await t.test('a percentage is a split; a flag that is missing, an error', async (t) => {
  const flags = { flags: { facts: fixedFlag('facts', 0) } };
  const other = await startProxy(t, flagged(upstream.url, upstream.url), {
    'flags.yaml': JSON.stringify(flags),
  });
  const absent = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': 'flags: {}' });
  t.equal((await told(proxy.port)).attributes['feature_flag.result.reason'], 'split');
  t.equal((await told(other.port)).attributes['feature_flag.result.reason'], 'default');
  t.match(await told(absent.port), {
    status: { code: SpanStatusCode.ERROR },
    attributes: {
      'feature_flag.result.reason': 'error',
      'feature_flag.result.variant': '0',
      'error.type': 'flag_not_found',
    },
  });
});

t.ok(spans.balance().once, 'every span ended once');
