import t from 'tap';
import http from 'node:http';
import { once } from 'node:events';
import { request, until, type Answer } from '../support/client.ts';
import { openDialogue, plain, switching, upgrade } from '../support/dialogue.ts';
import { startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

/** An upstream that answers at once, but holds each /slow back until `release`, and never ends /events. */
async function startPatient(t: Parameters<typeof startProxy>[0]) {
  const held: http.ServerResponse[] = [];
  const upstream = await startUpstream(t, (req, res) => {
    if (req.url?.startsWith('/slow')) held.push(res);
    else if (req.url === '/events')
      res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).write('data: 1\n\n');
    else res.end('at once');
  });
  upstream.server.on('upgrade', (_req, socket) => {
    socket.on('error', () => {}).on('end', () => socket.destroy());
    socket.write(switching);
    socket.resume();
  });
  const asked = (path: string) =>
    until(() => upstream.seen.some(({ url }) => url === path), `${path} is asked`);
  const release = () => held.shift()?.end('at last');
  const connections = () =>
    new Promise<number>((resolve) => upstream.server.getConnections((_error, count) => resolve(count)));
  return { ...upstream, asked, release, connections };
}

const isBusy = {
  status: 503,
  headers: { 'content-type': 'application/problem+json', 'retry-after': /^\d+$/ },
};

await t.test('Over maxConnections a request waits, and over queue it is refused', async (t) => {
  const upstream = await startPatient(t);
  const proxy = await startProxy(
    t,
    plain(upstream.url, 'maxConnections: 1, queue: 1, connectTimeout: 300ms'),
  );

  await t.test('the second is served after the first, the third refused at once', async (t) => {
    const first = request(proxy.port, '/slow/1');
    await upstream.asked('/slow/1');
    const second = request(proxy.port, '/second');
    const third = request(proxy.port, '/third');
    // Which of the two comes first is not ours to say: one waits, and the other does not.
    const settled: Answer[] = [];
    for (const answer of [second, third]) void answer.then((one) => settled.push(one));
    await until(() => settled.length === 1, 'one is refused', 250);
    t.match(settled[0], isBusy);
    upstream.release();
    t.match(await first, { status: 200, body: 'at last' });
    await until(() => settled.length === 2, 'the other is served');
    t.match(settled[1], { status: 200, body: 'at once' });
    t.equal(upstream.seen.length, 2, 'the refused one was never sent');
  });

  await t.test('a request that waits too long is refused', async (t) => {
    const first = request(proxy.port, '/slow/2');
    await upstream.asked('/slow/2');
    const started = performance.now();
    t.match(await request(proxy.port, '/late'), isBusy);
    const waited = performance.now() - started;
    t.ok(waited > 250 && waited < 1300, `after ${Math.round(waited)} ms`);
    upstream.release();
    t.match(await first, { status: 200 });
    t.match(await request(proxy.port, '/next'), { status: 200 });
    t.notOk(
      upstream.seen.some(({ url }) => url === '/late'),
      'and is never sent',
    );
  });

  await t.test('a client that leaves gives its place up', async (t) => {
    const first = request(proxy.port, '/slow/3');
    await upstream.asked('/slow/3');
    const gone = openDialogue(t, proxy.port, 'GET /gone HTTP/1.1\r\nHost: a\r\nX-Request-Id: gone-1\r\n\r\n');
    t.match(await request(proxy.port, '/full'), isBusy, 'the place is taken');
    gone.socket.destroy();
    await proxy.accessLine('gone-1');
    const waiting = request(proxy.port, '/instead');
    upstream.release();
    t.match(await Promise.all([first, waiting]), [{ status: 200 }, { status: 200, body: 'at once' }]);
    t.notOk(upstream.seen.some(({ url }) => url === '/gone'));
  });
});

// A page holds its WebSocket or event stream open for hours: a few hundred of them must not keep everybody from the API.
await t.test('Tunnels and event streams take no place of a connection', async (t) => {
  const upstream = await startPatient(t);
  const keys = 'maxConnections: 1, maxTunnels: 2, queue: 1, connectTimeout: 300ms';
  const proxy = await startProxy(t, plain(upstream.url, keys));
  const tunnel = () => openDialogue(t, proxy.port, upgrade('/tunnel'));

  await t.test('requests are served beside an open tunnel', async (t) => {
    const open = tunnel();
    t.match(await open.heard('\r\n\r\n'), /^HTTP\/1\.1 101 /);
    for (let i = 0; i < 3; i += 1) t.match(await request(proxy.port, '/'), { status: 200, body: 'at once' });
    open.socket.destroy();
    await until(() => open.socket.destroyed, 'gone');
  });

  await t.test('requests are served beside an open event stream', async (t) => {
    const req = http.get({ host: '127.0.0.1', port: proxy.port, path: '/events', agent: false });
    const [res] = (await once(req, 'response')) as [http.IncomingMessage];
    await once(res, 'data');
    for (let i = 0; i < 3; i += 1) t.match(await request(proxy.port, '/'), { status: 200, body: 'at once' });
    res.on('error', () => {});
    req.destroy();
  });

  await t.test('the tunnel over maxTunnels is refused, until one ends', async (t) => {
    await until(
      async () => (await upstream.connections()) <= 1,
      'the tunnels and streams from before are gone',
    );
    const [first, second] = [tunnel(), tunnel()];
    await Promise.all([first.heard(' 101 '), second.heard(' 101 ')]);
    const over = await tunnel().over();
    t.match(over, /^HTTP\/1\.1 503 [^]*\r\nContent-Type: application\/problem\+json\r\n/);
    t.match(over, /\r\nRetry-After: \d+\r\n/);
    t.match(await request(proxy.port, '/'), { status: 200 }, 'requests are still served');
    first.socket.destroy();
    await until(async () => (await upstream.connections()) <= 2, 'its place is free');
    t.match(await tunnel().heard('\r\n\r\n'), /^HTTP\/1\.1 101 /);
  });
});
