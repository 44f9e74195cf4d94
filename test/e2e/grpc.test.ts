import t, { type Test } from 'tap';
import { until } from '../support/client.ts';
import { all, grpcClient, Metadata, startGrpc, status } from '../support/grpc.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';

/** A proxy before two servers of gRPC, and a client of it. */
async function startBefore(t: Test, url: string, other = url) {
  const yaml = flagged(url, other)
    .replaceAll(`"${url}" }`, `"${url}", http2: true }`)
    .replaceAll(`"${other}" }`, `"${other}", http2: true }`)
    .replace('path: /fact/', 'path: /fact.Facts/');
  const proxy = await startProxy(t, `listen: { address: 127.0.0.1:0, http2: true }\n${yaml}`, {
    'flags.yaml': evenFlags,
  });
  return { proxy, ...grpcClient(t, proxy.port) };
}
const alice = { metadata: { 'x-user-id': 'alice' } };

await t.test('all four kinds of calls', async (t) => {
  const { url } = await startGrpc(t);
  const { unary, collect, list, chat } = await startBefore(t, url);
  t.match(await unary('one'), { code: 0, messages: [Buffer.from('one')] });
  t.match(await collect(['a', 'b', 'c']), { code: 0, messages: [Buffer.from('abc')] });
  t.match(await list('xyz'), { code: 0, messages: ['x', 'y', 'z'].map((one) => Buffer.from(one)) });
  const call = chat();
  const heard: string[] = [];
  call.on('data', (message: Buffer) => {
    heard.push(message.toString());
    if (heard.length < 3) call.write(Buffer.from(`${heard.length}`));
    else call.end();
  });
  const done = all(call);
  call.write(Buffer.from('0'));
  t.match(await done, { code: 0 });
  t.strictSame(heard, ['0', '1', '2']);
  const empty = await unary('');
  t.match(empty, { code: 0, messages: [Buffer.alloc(0)] });
});

await t.test('the flag decides which version is called', async (t) => {
  const [v0, v1] = [await startGrpc(t), await startGrpc(t)];
  const { unary } = await startBefore(t, v0.url, v1.url);
  t.match(await unary('', alice), { code: 0, headers: { 'x-api-version': '0' } });
  t.match(await unary('', { metadata: { 'x-user-id': 'bob' } }), {
    code: 0,
    headers: { 'x-api-version': '1' },
  });
  t.strictSame([v0.calls(), v1.calls()], [1, 1]);
});

await t.test('metadata goes both ways, before and after the messages', async (t) => {
  let got: Record<string, unknown> = {};
  const { url } = await startGrpc(t, {
    unary(call, callback) {
      got = call.metadata.getMap();
      const [first, last] = [new Metadata(), new Metadata()];
      first.add('x-first', 'a');
      first.add('x-bytes-bin', Buffer.from([0, 255]));
      last.add('x-last', 'b');
      call.sendMetadata(first);
      callback(null, call.request, last);
    },
  });
  const { unary } = await startBefore(t, url);
  const called = await unary('', { metadata: { 'x-asked': 'c' } });
  t.match(called, { code: 0, headers: { 'x-first': 'a' }, trailers: { 'x-last': 'b' } });
  t.strictSame(called.headers['x-bytes-bin'], Buffer.from([0, 255]));
  t.match(got, { 'x-asked': 'c', 'x-forwarded-proto': 'http' });
});

await t.test('every status arrives, with what it says', async (t) => {
  const { url } = await startGrpc(t, {
    unary(call, callback) {
      const code = Number(call.request.toString());
      callback({ code, details: `status ${code}: \u00fc%` });
    },
  });
  const { unary, proxy } = await startBefore(t, url);
  for (let code = 1; code <= 16; code += 1) {
    const id = `status-${code}`;
    const called = await unary(`${code}`, { metadata: { 'x-request-id': id } });
    t.match(called, { code, details: `status ${code}: \u00fc%`, messages: [] });
    t.match(await proxy.accessLine(id), { status: 200, grpcStatus: code, error: undefined });
  }
});

await t.test('a call that is given up reaches its server', async (t) => {
  const events: string[] = [];
  const { url } = await startGrpc(t, {
    unary(call) {
      call.on('cancelled', () => events.push('unary'));
    },
    chat(call) {
      call.on('data', () => call.write(Buffer.from('hello')));
      call.on('cancelled', () => events.push('chat')).on('error', () => {});
    },
  });
  const { unary, chat } = await startBefore(t, url);
  t.match(await unary('', { deadline: 200 }), { code: status.DEADLINE_EXCEEDED });
  await until(() => events.includes('unary'), 'the end of the call');
  const call = chat();
  const done = all(call);
  call.once('data', () => call.cancel());
  call.write(Buffer.from('hi'));
  t.match(await done, { code: status.CANCELLED });
  await until(() => events.includes('chat'), 'the end of the call');
});

await t.test('the server knows how much time there is', async (t) => {
  let left = 0;
  const { url } = await startGrpc(t, {
    unary(call, callback) {
      left = Number(call.getDeadline()) - Date.now();
      callback(null, call.request);
    },
  });
  const { unary } = await startBefore(t, url);
  t.match(await unary('', { deadline: 5000 }), { code: 0 });
  t.ok(left > 3000 && left <= 5000, `${left}`);
});

await t.test('large messages, and many of them', async (t) => {
  const { url } = await startGrpc(t);
  const { unary, list } = await startBefore(t, url);
  const large = Buffer.alloc(8 * 1024 * 1024, 'large');
  const [called] = (await unary(large)).messages;
  t.ok(called?.equals(large));
  t.equal((await list(Buffer.alloc(2000))).messages.length, 2000);
});

await t.test('a hundred calls at a time', async (t) => {
  const { url } = await startGrpc(t);
  const { chat } = await startBefore(t, url);
  const calls = Array.from({ length: 100 }, () => chat());
  const dones = calls.map((call) => all(call));
  let first = 0;
  for (const [i, call] of calls.entries()) {
    call.once('data', () => (first += 1));
    call.write(Buffer.from(`${i}`));
  }
  await until(() => first === 100, 'an answer to each, while all are open');
  for (const call of calls) call.end();
  const done = await Promise.all(dones);
  t.ok(done.every(({ code }) => code === 0));
  t.strictSame(
    done.map(({ messages: [message] }) => message?.toString()),
    calls.map((_call, i) => `${i}`),
  );
});

await t.test('a server that is gone is UNAVAILABLE, and one that ends is nobody else', async (t) => {
  const upstream = await startGrpc(t);
  const { unary, proxy } = await startBefore(t, upstream.url);
  t.match(await unary('one'), { code: 0 });
  upstream.server.forceShutdown();
  const called = await unary('two', { metadata: { 'x-request-id': 'gone' } });
  t.match(called, { code: status.UNAVAILABLE });
  t.match(await proxy.accessLine('gone'), {
    status: 502,
    grpcStatus: undefined,
    error: { source: 'upstream' },
  });
});
