import t from 'tap';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFile } from '../../src/package.ts';
import { request, until } from '../support/client.ts';
import { startRun } from '../support/command.ts';
import { evenFlags, flagged } from '../support/proxy.ts';
import { newTrace } from '../support/spans.ts';
import { startUpstream } from '../support/upstream.ts';

type Attribute = { key: string; value: Record<string, unknown> };
type Span = { traceId: string; spanId: string; parentSpanId?: string; name: string };
type Export = {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: { scope: { name: string }; spans: Span[] }[];
  }[];
};

/** A collector that takes OTLP over HTTP, in JSON. */
async function startCollector() {
  const exports: Export[] = [];
  const server = http.createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      if (req.url === '/v1/traces') exports.push(JSON.parse(String(Buffer.concat(chunks))) as Export);
      res.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    resources: () => exports.flatMap(({ resourceSpans }) => resourceSpans),
  };
}

const upstream = await startUpstream(t, (_req, res) => res.end());
const folder = t.testdir({ 'flags.yaml': evenFlags });
const config = join(folder, 'trenchcoat.yaml');
writeFileSync(config, `listen: 127.0.0.1:0\nadmin: off\n${flagged(upstream.url, upstream.url)}`);

await t.test('tracing.mjs, loaded before the program, sends its spans to a collector', async (t) => {
  const collector = await startCollector();
  const running = await startRun(t, config, {
    load: packageFile('config/tracing.mjs'),
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
  });
  const { traceId, spanId, traceparent } = newTrace();
  await request(running.port, '/fact/', { headers: { traceparent, cookie: 'uid=bob' } });
  // What is not sent yet is sent at the stop.
  running.child.kill('SIGTERM');
  t.match(await running.ended, { code: 0, stderr: '' });
  const [resource] = collector.resources();
  t.match(
    resource?.resource.attributes.find(({ key }) => key === 'service.name'),
    { value: { stringValue: 'trenchcoat' } },
  );
  const [scope] = resource?.scopeSpans ?? [];
  t.equal(scope?.scope.name, 'trenchcoat');
  const spans = scope?.spans ?? [];
  t.same(spans.map(({ name }) => name).toSorted(), ['GET', 'GET /fact/', 'decide facts']);
  for (const span of spans) t.equal(span.traceId, traceId);
  const request_ = spans.find(({ name }) => name === 'GET /fact/');
  t.equal(request_?.parentSpanId, spanId);
  const exchange = spans.find(({ name }) => name === 'GET');
  t.equal(exchange?.parentSpanId, request_?.spanId);
  t.equal(upstream.seen.at(-1)?.headers['traceparent'], `00-${traceId}-${exchange?.spanId}-01`);
});

await t.test('a collector that is away delays no request, and no stop for long', async (t) => {
  const running = await startRun(t, config, {
    load: packageFile('config/tracing.mjs'),
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' },
  });
  t.equal((await request(running.port, '/fact/')).status, 200);
  const before = performance.now();
  running.child.kill('SIGTERM');
  t.equal((await running.ended).code, 0);
  t.ok(performance.now() - before < 8000);
});

await t.test('without it, nothing of a trace is added', async (t) => {
  const running = await startRun(t, config);
  await request(running.port, '/fact/');
  t.notOk('traceparent' in (upstream.seen.at(-1)?.headers ?? {}));
  await until(() => running.child.kill('SIGTERM'), 'the signal is sent');
  t.equal((await running.ended).code, 0);
});
