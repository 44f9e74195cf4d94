import t from 'tap';
import { SpanKind } from '@opentelemetry/api';
import { request } from '../support/client.ts';
import { plain } from '../support/dialogue.ts';
import { startProxy } from '../support/proxy.ts';
import { keepSpans, newTrace } from '../support/spans.ts';
import { startRawUpstream } from '../support/upstream.ts';

const spans = keepSpans();

await t.test('a replayed request is one exchange, which says so', async (t) => {
  const heard: string[] = [];
  const upstream = await startRawUpstream(t, (socket) => {
    let requests = 0;
    socket.on('end', () => socket.destroy());
    socket.on('data', (chunk) => {
      heard.push(/^traceparent: (.*)\r$/m.exec(chunk.toString())?.[1] ?? '');
      requests += 1;
      if (requests > 1) socket.end();
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
  });
  const proxy = await startProxy(t, plain(upstream.url));
  await request(proxy.port, '/warm');
  heard.length = 0;
  const { traceId, traceparent } = newTrace();
  t.equal((await request(proxy.port, '/', { headers: { traceparent } })).status, 200);
  const { exchange } = await spans.of(traceId);
  t.match(exchange.attributes, { 'http.request.resend_count': 1, 'http.response.status_code': 200 });
  t.same(heard, Array(2).fill(`00-${traceId}-${exchange.spanContext().spanId}-01`));
  const sent = spans.all().filter((span) => span.kind === SpanKind.CLIENT);
  t.equal(sent.length, 2, 'the one before it, and this');
  t.notOk('http.request.resend_count' in (sent[0]?.attributes ?? {}));
});
