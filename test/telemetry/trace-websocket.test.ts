import t from 'tap';
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { keepSpans, newTrace } from '../support/spans.ts';
import { startUpstream } from '../support/upstream.ts';

const spans = keepSpans();

await t.test('a WebSocket is a request, its decision, and an exchange as long as the tunnel', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.writeHead(403).end());
  const server = new WebSocketServer({ server: upstream.server });
  server.on('connection', (socket, req) => socket.send(req.headers['traceparent'] ?? 'none'));
  t.teardown(() => server.close());
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  const { traceId, traceparent } = newTrace();
  const client = new WebSocket(`ws://127.0.0.1:${proxy.port}/fact/live`, {
    headers: { cookie: 'uid=bob', traceparent },
  });
  const [hello] = (await once(client, 'message')) as [Buffer];
  client.close();
  await once(client, 'close');
  const { request, decision, exchange } = await spans.of(traceId);
  t.equal(String(hello), `00-${traceId}-${exchange.spanContext().spanId}-01`);
  t.match(request, { name: 'GET /fact/', attributes: { 'http.response.status_code': 101 } });
  t.match(decision.attributes, { 'feature_flag.result.variant': '1' });
  t.match(exchange.attributes, { 'http.response.status_code': 101, 'url.full': `${upstream.url}/fact/live` });
  t.notOk('error.type' in exchange.attributes);
  t.ok(spans.balance().once);
});
