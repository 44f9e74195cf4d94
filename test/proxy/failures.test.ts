import t from 'tap';
import { request } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startRawUpstream, unusedPort } from '../support/upstream.ts';

const alice = { cookie: 'uid=alice', 'x-request-id': 'fail-1' };

await t.test('an upstream that refuses: 502 as problem+json, stamped', async (t) => {
  const dead = `http://127.0.0.1:${await unusedPort()}`;
  const proxy = await startProxy(t, flagged(dead, dead), { 'flags.yaml': evenFlags });
  const answer = await request(proxy.port, '/fact/', { headers: alice });
  t.match(answer, {
    status: 502,
    headers: { 'content-type': 'application/problem+json', 'x-api-version': '0', vary: 'Cookie, x-user-id' },
  });
  t.same(JSON.parse(answer.body), {
    type: 'urn:problem-type:trenchcoat:connect-refused',
    title: 'The upstream refused the connection',
    status: 502,
    requestId: 'fail-1',
  });
  t.notMatch(answer.body, /127\.0\.0\.1/, "the upstream's address stays inside");
  t.match(await proxy.accessLine('fail-1'), {
    status: 502,
    error: { code: 'connect_refused', source: 'upstream' },
  });
});

await t.test('one that does not answer in time: 504', async (t) => {
  const silent = await startRawUpstream(t, () => {});
  const yaml = flagged(silent.url, silent.url).replaceAll(
    `"${silent.url}"`,
    `"${silent.url}", responseTimeout: 200ms`,
  );
  const proxy = await startProxy(t, yaml, { 'flags.yaml': evenFlags });
  const answer = await request(proxy.port, '/fact/', { headers: alice });
  t.match(answer, { status: 504, body: /response-timeout/ });
});

await t.test('one that closes or resets before it answers: 502', async (t) => {
  const closing = await startRawUpstream(t, (socket) => socket.once('data', () => socket.end()));
  const resetting = await startRawUpstream(t, (socket) =>
    socket.once('data', () => socket.resetAndDestroy()),
  );
  const proxy = await startProxy(t, flagged(closing.url, resetting.url), { 'flags.yaml': evenFlags });
  t.match(await request(proxy.port, '/fact/', { headers: alice }), { status: 502, body: /"urn:[^"]*reset"/ });
  t.match(await request(proxy.port, '/fact/', { headers: { cookie: 'uid=bob' } }), {
    status: 502,
    body: /reset/,
  });
});

await t.test('one that talks nonsense: 502, and nothing of it reaches the client', async (t) => {
  const bad = [
    'SSH-2.0-OpenSSH\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!',
    'HTTP/1.1 200 OK\r\nbad name: 1\r\n\r\n',
    'HTTP/1.1 200 O\x07K\r\nContent-Length: 2\r\n\r\nok',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nsurprise',
  ];
  let turn = 0;
  const upstream = await startRawUpstream(t, (socket) =>
    socket.once('data', () => socket.end(Buffer.from(bad[turn] ?? '', 'latin1'))),
  );
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  for (; turn < bad.length; turn += 1)
    t.match(
      await request(proxy.port, '/fact/', { headers: alice }),
      { status: 502, body: /bad-response|reset/ },
      bad[turn] ?? '',
    );
});

// http-proxy 1.18.1 emits no error when the upstream dies in the body: the client waits for ever.
await t.test('one that dies in the body: the client sees a cut, never a clean end', async (t) => {
  const heads = ['Content-Length: 100\r\n\r\npart', 'Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n'];
  let turn = 0;
  const upstream = await startRawUpstream(t, (socket) =>
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\n${heads[turn % 2]}`);
      setTimeout(() => (turn < 2 ? socket.end() : socket.resetAndDestroy()), 20);
    }),
  );
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  for (; turn < 4; turn += 1) {
    const answer = await request(proxy.port, '/fact/', {
      headers: { ...alice, 'x-request-id': `cut-${turn}` },
    });
    t.match(answer, { status: 200, body: 'part', cut: true });
    t.match(await proxy.accessLine(`cut-${turn}`), {
      status: 200,
      error: { code: 'reset', source: 'upstream' },
    });
  }
});

await t.test('one that falls silent in the body: the client sees a cut', async (t) => {
  const upstream = await startRawUpstream(t, (socket) =>
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart')),
  );
  const yaml = flagged(upstream.url, upstream.url).replaceAll(
    `"${upstream.url}"`,
    `"${upstream.url}", idleTimeout: 200ms`,
  );
  const proxy = await startProxy(t, yaml, { 'flags.yaml': evenFlags });
  t.match(await request(proxy.port, '/fact/', { headers: alice }), { status: 200, body: 'part', cut: true });
  t.match(await proxy.accessLine(), { error: { code: 'idle_timeout', source: 'upstream' } });
});

await t.test('no route: 404, and no upstream is asked', async (t) => {
  const yaml = flagged('http://127.0.0.1:9', 'http://127.0.0.1:9').replace(
    '- { name: site, upstream: v0 }',
    '',
  );
  const proxy = await startProxy(t, yaml, { 'flags.yaml': evenFlags });
  const answer = await request(proxy.port, '/factory');
  t.match(answer, { status: 404, body: /no-route/ });
  t.equal(answer.headers['x-api-version'], undefined);
});
