import t from 'tap';
import type { Socket } from 'node:net';
import { request, until } from '../support/client.ts';
import { plain } from '../support/dialogue.ts';
import { startProxy } from '../support/proxy.ts';
import { startRawUpstream } from '../support/upstream.ts';

const okAnswer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const fin = (socket: Socket) => socket.end();
const rst = (socket: Socket) => socket.resetAndDestroy();

/**
 * An upstream whose connections serve one request and fail the next one, by `fail`. A path that starts with /fresh fails
 * at once, and one with /twice on every connection but that of its warming up.
 */
async function startFickle(t: Parameters<typeof startProxy>[0]) {
  const heard: string[] = [];
  const fickle = { fail: fin as (socket: Socket) => unknown };
  const upstream = await startRawUpstream(t, (socket) => {
    let requests = 0;
    socket.on('end', () => socket.destroy());
    socket.on('data', (chunk) => {
      const line = /^(\S+ \S+) HTTP/.exec(chunk.toString('latin1'))?.[1];
      if (line === undefined) return;
      heard.push(line);
      requests += 1;
      if (requests > 1 || /\/(fresh|twice)/.test(line)) fickle.fail(socket);
      else socket.write(line.startsWith('HEAD') ? okAnswer.slice(0, -2) : okAnswer);
    });
  });
  /** Ends what connections there are. */
  const endAll = async () => {
    for (const socket of upstream.sockets) socket.end();
    await until(() => upstream.sockets.size === 0, 'no connection is left');
  };
  return Object.assign(fickle, { url: upstream.url, connections: upstream.connections, heard, endAll });
}

// An upstream may end a kept connection at the very moment when a request is on its way there. That is nobody's fault,
// and the request has not been looked at; where that is not certain, sending it again may do it twice.
await t.test('61 A request that met a stale socket is replayed once, where that is safe', async (t) => {
  const upstream = await startFickle(t);
  const proxy = await startProxy(t, plain(upstream.url));
  /** Asks while exactly one connection is kept, and gives the status and how often the upstream was asked. */
  const onReused = async (method: string, path: string, body?: string) => {
    await upstream.endAll();
    await request(proxy.port, '/warm');
    upstream.heard.length = 0;
    const headers = { 'transfer-encoding': 'chunked' };
    const { status } = await request(proxy.port, path, {
      method,
      ...(body === undefined ? {} : { body, headers }),
    });
    return { status, heard: upstream.heard.filter((line) => line === `${method} ${path}`).length };
  };

  // Few enough for the budget: ten a second are always allowed.
  for (const [method, how] of [
    ['GET', 'closed'],
    ['GET', 'reset'],
    ['HEAD', 'reset'],
    ['OPTIONS', 'closed'],
    ['DELETE', 'reset'],
  ] as const)
    await t.test(`${method} without a body, ${how}: replayed on a fresh connection`, async (t) => {
      upstream.fail = how === 'reset' ? rst : fin;
      const before = upstream.connections();
      t.same(await onReused(method, '/safe'), { status: 200, heard: 2 });
      t.equal(upstream.connections() - before, 2);
    });

  await t.test('on a fresh connection although another one waits, that is as stale', async (t) => {
    upstream.fail = rst;
    await upstream.endAll();
    await Promise.all(['/a', '/b', '/c'].map((path) => request(proxy.port, path)));
    upstream.heard.length = 0;
    t.match(await request(proxy.port, '/third'), { status: 200, body: 'ok' });
    t.same(upstream.heard, ['GET /third', 'GET /third']);
  });

  for (const [method, body] of [
    ['POST'],
    ['PATCH'],
    ['POST', 'body'],
    ['PUT', 'body'],
    ['GET', 'body'],
  ] as const)
    await t.test(
      `${method} ${body === undefined ? 'without' : 'with'} a body: 502, never replayed`,
      async (t) => {
        upstream.fail = rst;
        t.same(await onReused(method, '/unsafe', body), { status: 502, heard: 1 });
      },
    );

  for (const bytes of ['H', 'HTTP/1.1 103 Early Hints\r\n\r\n', okAnswer.slice(0, -4)])
    await t.test(`after ${bytes.length} bytes of an answer: 502, never replayed`, async (t) => {
      upstream.fail = (socket) => socket.end(bytes);
      t.same(await onReused('GET', '/begun'), { status: 502, heard: 1 });
    });

  await t.test('a fresh connection that fails: 502, never replayed', async (t) => {
    upstream.fail = rst;
    await upstream.endAll();
    upstream.heard.length = 0;
    t.equal((await request(proxy.port, '/fresh')).status, 502);
    t.same(upstream.heard, ['GET /fresh']);
  });

  await t.test('a replay that fails: 502, and no third try', async (t) => {
    upstream.fail = fin;
    t.same(await onReused('GET', '/twice'), { status: 502, heard: 2 });
  });
});

// An upstream that ends every kept connection would be asked twice for everything, just when it is in trouble.
await t.test('61 Replays stay below a fifth of the requests, or ten a second', async (t) => {
  const upstream = await startFickle(t);
  const proxy = await startProxy(t, plain(upstream.url));
  const requests = 400;
  const statuses = new Map<number, number>();
  const started = performance.now();
  for (let i = 0; i < requests; i += 1) {
    const { status } = await request(proxy.port, `/${i}`);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  const seconds = Math.ceil((performance.now() - started) / 1000);
  const asked = new Map<string, number>();
  for (const line of upstream.heard) asked.set(line, (asked.get(line) ?? 0) + 1);
  const replays = upstream.heard.length - requests;
  t.comment(`${replays} replays of ${requests} requests within ${seconds} s`);
  t.equal(asked.size, requests, 'every request was tried');
  t.ok(Math.max(...asked.values()) <= 2, 'none more than twice');
  t.ok(replays >= 10, 'ten are always allowed');
  t.ok(replays <= requests / 5 + 10 * (seconds + 1), 'the budget holds');
  t.equal(
    (statuses.get(200) ?? 0) + (statuses.get(502) ?? 0),
    requests,
    'the others fail as they would without replays',
  );
});
