import t from 'tap';
import { request, until } from '../support/client.ts';
import { openDialogue, plain, switching, upgrade } from '../support/dialogue.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startRawUpstream, startUpstream } from '../support/upstream.ts';

/** An upstream that answers every request with the same bytes, and does not close. */
async function startAnswering(t: Parameters<typeof startProxy>[0]) {
  const answering = { answer: '', ends: false };
  const upstream = await startRawUpstream(t, (socket) => {
    socket.on('end', () => socket.destroy());
    socket.on('data', () => {
      socket.write(answering.answer, 'latin1');
      if (answering.ends) socket.end();
    });
  });
  return Object.assign(answering, { url: upstream.url, sockets: upstream.sockets });
}

// Past a 101 nobody looks at the bytes any more. An upstream that switches to something else than was asked for, or that
// takes the request for something else, would speak with the client behind the proxy's back.
await t.test("62 The 101's protocol must be the request's", async (t) => {
  const upstream = await startAnswering(t);
  const proxy = await startProxy(t, plain(upstream.url));
  const first = 'HTTP/1.1 101 Switching Protocols\r\n';
  const wrong = {
    'another protocol': `${first}Upgrade: other\r\nConnection: Upgrade\r\n\r\n`,
    'two protocols': `${first}Upgrade: websocket, other\r\nConnection: Upgrade\r\n\r\n`,
    'no protocol': `${first}Connection: Upgrade\r\n\r\n`,
    'no Connection': `${first}Upgrade: websocket\r\n\r\n`,
    'Connection without upgrade': `${first}Upgrade: websocket\r\nConnection: keep-alive\r\n\r\n`,
    'a body': `${first}Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 4\r\n\r\nbody`,
    'HTTP/1.0': switching.replace('1.1', '1.0'),
  };
  for (const [name, answer] of Object.entries(wrong))
    await t.test(`${name}: 502, and both connections end`, async (t) => {
      upstream.answer = `${answer}surprise`;
      const client = openDialogue(t, proxy.port, upgrade('/'));
      const received = await client.over();
      client.socket.destroy();
      t.match(received, /^HTTP\/1\.1 502 [^]*:bad-response"/);
      t.notMatch(received, /surprise/);
      await until(() => upstream.sockets.size === 0, "the upstream's socket closes", 1000);
    });

  await t.test('letter case does not matter', async (t) => {
    upstream.answer = `${first}upgrade: WebSocket\r\nconnection: keep-alive, UPGRADE\r\n\r\nwelcome`;
    const client = openDialogue(t, proxy.port, upgrade('/'));
    t.match(await client.heard('welcome'), /^HTTP\/1\.1 101 /);
    client.socket.destroy();
  });
});

// RFC 9110 §7.8: what an HTTP/1.0 client says of Upgrade has come through a proxy that knows nothing of it.
await t.test('63 HTTP/1.0 knows no upgrade', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end('served'));
  const proxy = await startProxy(t, plain(upstream.url));
  const client = openDialogue(t, proxy.port, upgrade('/').replace('HTTP/1.1', 'HTTP/1.0'));
  t.match(await client.over(), /^HTTP\/1\.1 200 [^]*served$/);
  t.equal(upstream.seen[0]?.headers.upgrade, undefined);
});

await t.test('63 Upgrade without Connection is not an upgrade', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end('served'));
  const proxy = await startProxy(t, plain(upstream.url));
  const lines = {
    'no Connection': 'Upgrade: websocket\r\n',
    'another Connection': 'Upgrade: websocket\r\nConnection: keep-alive\r\n',
    'Connection without Upgrade': 'Connection: Upgrade\r\n',
  };
  for (const [name, line] of Object.entries(lines)) {
    const client = openDialogue(t, proxy.port, `GET /${name.length} HTTP/1.1\r\nHost: a\r\n${line}\r\n`);
    t.match(await client.heard('served'), /^HTTP\/1\.1 200 /, name);
    t.equal(upstream.seen.at(-1)?.headers.upgrade, undefined);
    t.notMatch(upstream.seen.at(-1)?.headers.connection ?? '', /upgrade/i);
    client.socket.write('GET /again HTTP/1.1\r\nHost: a\r\n\r\n');
    await until(() => upstream.seen.at(-1)?.url === '/again', 'the connection serves on');
    client.socket.destroy();
  }
});

// Java's HTTP client wishes for h2c on its first request, a POST with a body included. An upstream that grants it speaks
// HTTP/2 on, and whatever paths the proxy watches over are asked for behind its back (h2c smuggling).
await t.test('64 A wish for h2c is stripped, and the request served, body included', async (t) => {
  const upstream = await startUpstream(t, (req, res) => req.on('end', () => res.end(`served ${req.url}.`)));
  const proxy = await startProxy(t, plain(upstream.url));
  const wish =
    'Connection: Upgrade, HTTP2-Settings, X-Hop\r\nX-Hop: 1\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n';
  const head = (line: string, framing: string) => `${line} HTTP/1.1\r\nHost: a\r\n${wish}${framing}\r\n`;
  const large = 'x'.repeat(300_000);
  const bodies: [method: string, framing: string, sent: string, body: string][] = [
    ['GET', '', '', ''],
    ['POST', 'Content-Length: 4\r\n', 'body', 'body'],
    ['POST', 'Content-Length: 0\r\n', '', ''],
    ['PUT', 'Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n', 'abcd'],
    ['POST', `Content-Length: ${large.length}\r\n`, large, large],
    ['DELETE', '', '', ''],
  ];
  const client = openDialogue(t, proxy.port);
  for (const [index, [method, framing, sent, body]] of bodies.entries()) {
    client.socket.write(head(`${method} /${index}`, framing) + sent, 'latin1');
    t.notMatch(await client.heard(`served /${index}.`), / 101 /);
    const seen = upstream.seen[index];
    t.equal(seen?.method, method);
    t.ok(seen?.body === body, `the body of ${method}, ${framing.trim() || 'none'}`);
    for (const name of ['upgrade', 'http2-settings', 'x-hop']) t.equal(seen?.headers[name], undefined);
    t.notMatch(seen?.headers.connection ?? '', /upgrade|http2/i);
  }
  client.socket.destroy();

  await t.test('a body that comes after its head', async (t) => {
    const late = openDialogue(t, proxy.port, head('POST /late', 'Content-Length: 4\r\n'));
    await until(() => upstream.seen.at(-1)?.url === '/late', 'the upstream is asked');
    late.socket.write('late');
    t.match(await late.heard('served /late.'), /^HTTP\/1\.1 200 /);
    t.equal(upstream.seen.at(-1)?.body, 'late');
    late.socket.destroy();
  });
});

await t.test('65 A refused WebSocket relays status, headers and body, and the connection ends', async (t) => {
  const upstream = await startAnswering(t);
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  const wish = (cookie: string) =>
    request(proxy.port, '/fact/live', {
      headers: { cookie, connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
    });
  const refusals: [status: string, framing: string, ends: boolean][] = [
    ['401 Who are you', 'WWW-Authenticate: Bearer\r\nContent-Length: 9\r\n\r\nnot today', false],
    ['426 Upgrade Required', 'Transfer-Encoding: chunked\r\n\r\n4\r\nnot \r\n5\r\ntoday\r\n0\r\n\r\n', false],
    ['403 No', '\r\nnot today', true],
    ['200 OK', 'Content-Length: 9\r\n\r\nnot today', false],
  ];
  for (const [status, framing, ends] of refusals) {
    upstream.answer = `HTTP/1.1 ${status}\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n${framing}`;
    upstream.ends = ends;
    const answer = await wish('uid=bob');
    t.match(answer, {
      status: Number.parseInt(status, 10),
      reason: status.slice(4),
      body: 'not today',
      cut: false,
    });
    t.match(answer.headers, { 'set-cookie': ['a=1', 'b=2'], 'x-api-version': '1', connection: 'close' });
    t.equal(answer.headers['www-authenticate'], status.startsWith('401') ? 'Bearer' : undefined);
  }

  await t.test('a refusal that breaks off is cut', async (t) => {
    upstream.answer = 'HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nnot';
    upstream.ends = true;
    t.match(await wish('uid=alice'), { status: 403, body: 'not', cut: true });
  });

  await t.test('the connection ends although the client does not ask for it', async (t) => {
    upstream.answer = 'HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nnot today';
    upstream.ends = false;
    const client = openDialogue(t, proxy.port, upgrade('/fact/live'));
    t.match(await client.over(), /^HTTP\/1\.1 403 No\r\n[^]*not today$/);
  });
});

// Where a body would end and the tunnel begin is for every reader to guess: what one takes for the body is for another
// the first frame, or the next request.
await t.test('69 A WebSocket upgrade with a body is refused, and nothing reaches the upstream', async (t) => {
  const upstream = await startAnswering(t);
  const asked = await startRawUpstream(t, () => {});
  const proxy = await startProxy(t, plain(asked.url));
  const bodies = {
    'a length': 'Content-Length: 4\r\n\r\nbody',
    'a length and nothing sent': 'Content-Length: 4\r\n\r\n',
    chunks: 'Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n',
    'no chunk': 'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  };
  for (const [name, body] of Object.entries(bodies)) {
    const client = openDialogue(t, proxy.port, upgrade('/', body).slice(0, -2));
    t.match(await client.over(), /^HTTP\/1\.1 400 [^]*problem\+json/, name);
    client.socket.destroy();
  }
  t.equal(asked.connections(), 0, 'nobody was asked');

  await t.test('a length of nothing is no body', async (t) => {
    upstream.answer = `${switching}welcome`;
    const other = await startProxy(t, plain(upstream.url));
    const client = openDialogue(t, other.port, upgrade('/', 'Content-Length: 0\r\n'));
    t.match(await client.heard('welcome'), /^HTTP\/1\.1 101 /);
    client.socket.destroy();
  });
});
