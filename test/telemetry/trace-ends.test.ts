import t from 'tap';
import { SpanStatusCode } from '@opentelemetry/api';
import { until } from '../support/client.ts';
import { openDialogue, plain, switching, upgrade } from '../support/dialogue.ts';
import { manualClock, minute, second } from '../support/clock.ts';
import { runHere } from '../support/command.ts';
import { evenFlags, flagged, rolledOut, startProxy } from '../support/proxy.ts';
import { keepSpans, newTrace } from '../support/spans.ts';
import { startRawUpstream, startUpstream, unusedPort } from '../support/upstream.ts';

const spans = keepSpans();

/** An upstream that says what the path asks for, and then does what it asks for. */
const upstream = await startRawUpstream(t, (socket) => {
  socket.on('end', () => socket.destroy());
  socket.on('data', (chunk) => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n';
    const [, path] = /^\S+ \/(?:fact\/)?([\w-]+)/.exec(chunk.toString('latin1')) ?? [];
    if (path === 'whole') socket.write(`${head}0123456789`);
    if (path === 'begun') socket.write(`${head}01234`);
    if (path === 'dies') socket.resetAndDestroy();
    if (path === 'cut') socket.end(`${head}01234`);
    if (path === 'garbage') socket.end('nonsense\r\n\r\n');
    if (path === 'tunnel') socket.write(switching);
  });
});
const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });

/** A request of a new trace. */
function ask(path: string, fields = '', method = 'GET') {
  const { traceId, traceparent } = newTrace();
  return {
    traceId,
    bytes: `${method} ${path} HTTP/1.1\r\nHost: a\r\ntraceparent: ${traceparent}\r\n${fields}\r\n`,
  };
}
const { ERROR, UNSET } = SpanStatusCode;

await t.test('a client that leaves, before and after the head', async (t) => {
  for (const [path, status] of [
    ['/fact/silent', undefined],
    ['/fact/begun', 200],
  ] as const) {
    const { traceId, bytes } = ask(path);
    const client = openDialogue(t, proxy.port, bytes);
    if (status === undefined) await until(() => upstream.sockets.size > 0, 'the upstream is asked');
    else await client.heard('01234');
    client.socket.destroy();
    const { request, decision, exchange } = await spans.of(traceId);
    for (const span of [request, exchange]) {
      t.match(span, { status: { code: ERROR }, attributes: { 'error.type': 'client_closed' } });
      t.equal(span.attributes['http.response.status_code'], status);
    }
    t.ok(decision);
  }
});

await t.test('an upstream that dies, cuts its answer, or speaks nonsense', async (t) => {
  for (const [path, code, sent, received] of [
    ['/fact/dies', 'reset', 502, undefined],
    ['/fact/cut', 'reset', 200, 200],
    ['/fact/garbage', 'bad_response', 502, undefined],
  ] as const) {
    const { traceId, bytes } = ask(path);
    openDialogue(t, proxy.port, bytes);
    const { request, exchange } = await spans.of(traceId);
    for (const span of [request, exchange])
      t.match(span, { status: { code: ERROR }, attributes: { 'error.type': code } }, path);
    t.equal(request.attributes['http.response.status_code'], sent);
    t.equal(exchange.attributes['http.response.status_code'], received);
  }
});

await t.test('an upstream that cannot be reached', async (t) => {
  const nowhere = await startProxy(t, plain(`http://127.0.0.1:${await unusedPort()}`));
  const { traceId, bytes } = ask('/');
  openDialogue(t, nowhere.port, bytes);
  const { request, exchange } = await spans.of(traceId);
  for (const span of [request, exchange])
    t.match(span, { status: { code: ERROR }, attributes: { 'error.type': 'connect_refused' } });
});

await t.test('a refused request has a span of its own, and nothing else', async (t) => {
  const long = `/${'x'.repeat(9000)}`;
  for (const [bytes, code, status] of [
    [ask('/', 'Host: b\r\n'), 'bad_host', 400],
    [ask(long), 'uri_too_long', 414],
    [ask('/', 'Content-Length: 5\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'), 'bad_request', 400],
  ] as const) {
    const client = openDialogue(t, proxy.port, bytes.bytes);
    await client.heard(`HTTP/1.1 ${status}`);
    client.socket.end();
    const { request, decision, exchange } = await spans.of(bytes.traceId);
    t.match(request, {
      name: 'GET',
      status: { code: UNSET },
      attributes: { 'error.type': code, 'http.response.status_code': status },
    });
    t.same([decision, exchange], [undefined, undefined]);
  }
});

await t.test('no route', async (t) => {
  const yaml = flagged(upstream.url, upstream.url).replace(/\n.*name: site.*/, '');
  const only = await startProxy(t, yaml, { 'flags.yaml': evenFlags });
  const { traceId, bytes } = ask('/elsewhere');
  openDialogue(t, only.port, bytes);
  const { request } = await spans.of(traceId);
  t.match(request, {
    name: 'GET',
    attributes: { 'error.type': 'no_route', 'http.response.status_code': 404 },
  });
});

await t.test('pipelined requests whose connection closes', async (t) => {
  const asked = ['begun', 'silent', 'whole'].map((path) => ask(`/fact/${path}`));
  const client = openDialogue(t, proxy.port, asked.map(({ bytes }) => bytes).join(''));
  await client.heard('01234');
  client.socket.destroy();
  const told = await Promise.all(asked.map(({ traceId }) => spans.of(traceId)));
  for (const { request } of told) t.match(request.attributes, { 'error.type': 'client_closed' });
  t.same(
    told.map(({ exchange }) => exchange !== undefined),
    [true, false, false],
    'those behind it never reached the upstream',
  );
});

await t.test('a tunnel ends its spans when it ends', async (t) => {
  const { traceparent, traceId } = newTrace();
  const client = openDialogue(t, proxy.port, upgrade('/fact/tunnel', `traceparent: ${traceparent}\r\n`));
  await client.heard('101');
  const told = spans.all().filter((span) => span.spanContext().traceId === traceId);
  t.same(
    told.map(({ name }) => name),
    ['decide facts'],
  );
  client.socket.destroy();
  const { request, exchange } = await spans.of(traceId);
  for (const span of [request, exchange])
    t.match(span, { status: { code: UNSET }, attributes: { 'http.response.status_code': 101 } });
});

await t.test('what a rollback cuts', async (t) => {
  const clock = manualClock();
  const stream = await startUpstream(t, (_req, res) =>
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: hello\n\n'),
  );
  const yaml = rolledOut(stream.url, stream.url, { more: 'cutStreamsAfter: 1s' });
  const proxy = await startProxy(t, yaml, {}, clock);
  await clock.pass(2 * minute);
  const { traceId, bytes } = ask('/fact/', 'Cookie: uid=late\r\n');
  const client = openDialogue(t, proxy.port, bytes);
  await client.heard('hello');
  await runHere(t, ['rollout', 'rollback', '--admin', `http://127.0.0.1:${proxy.adminPort}`]);
  await clock.pass(second);
  const { request, exchange } = await spans.of(traceId);
  for (const span of [request, exchange])
    t.match(span, {
      status: { code: ERROR },
      attributes: { 'error.type': 'rolled_back', 'http.response.status_code': 200 },
    });
});

await t.test('a stop', async (t) => {
  const stopping = await startProxy(t, plain(upstream.url));
  const { traceId, bytes } = ask('/silent');
  openDialogue(t, stopping.port, bytes);
  await until(() => !spans.balance().once, 'it is under way');
  await stopping.stop();
  const { request } = await spans.of(traceId);
  t.equal(request.status.code, ERROR);
});

t.ok(spans.balance().once, 'every span ended, and once');
