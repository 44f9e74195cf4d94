import t from 'tap';
import net from 'node:net';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { request, type Answer } from '../support/client.ts';
import { asks, dial, startBefore, startReplier, startSteered } from '../support/peers.ts';
import { unusedPort } from '../support/upstream.ts';

const deadlines = 'connectTimeout: 200ms, responseTimeout: 200ms, idleTimeout: 200ms';
const upstream = await startReplier(t);
const proxy = await startBefore(t, upstream.url, { deadlines });

/** One request of alice: the answer, and how long it took. */
async function ask(port: number, path = '/fact/'): Promise<Answer & { took: number }> {
  const started = performance.now();
  const answer = await request(port, path, { headers: { cookie: 'uid=alice' } });
  return { ...answer, took: performance.now() - started };
}

const problem = (status: number, code: string) => ({
  status,
  cut: false,
  headers: { 'content-type': 'application/problem+json', 'x-api-version': '0' },
  body: new RegExp(`^\\{"type":"urn:problem-type:trenchcoat:${code}",.*"status":${status},`),
});

await t.test('55 An upstream that refuses the connection is a 502', async (t) => {
  const { port } = await startBefore(t, `http://127.0.0.1:${await unusedPort()}`, { deadlines });
  t.match(await ask(port), problem(502, 'connect-refused'));
  t.equal((await ask(port, '/plain')).headers['x-api-version'], undefined, 'unstamped on a plain route');
});

await t.test('55 One that ends or resets before its head is whole is a 502', async (t) => {
  for (const begin of [
    '',
    'H',
    'HTTP/1.1 200',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Canary: leaked\r\n',
  ]) {
    for (const end of ['end', 'resetAndDestroy'] as const) {
      upstream.reply = (_head, socket) => {
        if (begin === '') socket[end]();
        else socket.write(begin, () => socket[end]());
        return '';
      };
      const answer = await ask(proxy.port);
      t.match(answer, problem(502, '(reset|bad-response)'), `${JSON.stringify(begin)}, ${end}`);
      t.notMatch(answer.rawHeaders.join(), /canary/i);
    }
  }
});

await t.test('55 One that has not answered in time is a 504', async (t) => {
  for (const begin of ['', 'HTTP/1.1 200 OK\r\nX-Canary: leaked\r\n']) {
    upstream.reply = () => begin;
    const answer = await ask(proxy.port);
    t.match(answer, problem(504, 'response-timeout'), JSON.stringify(begin));
    t.ok(answer.took > 150 && answer.took < 1000, `after ${answer.took.toFixed()} ms`);
    t.notMatch(answer.rawHeaders.join(), /canary/i);
  }
});

// A head that comes a byte at a time is never silent: a deadline that began anew with each byte would never pass.
await t.test('55 Nor does one win time by dripping its head', async (t) => {
  upstream.reply = (_head, socket) => {
    socket.write('HTTP/1.1 200 OK\r\nX-Drip: ');
    const drip = setInterval(() => socket.write('x'), 50);
    socket.once('close', () => clearInterval(drip));
    return '';
  };
  const answer = await ask(proxy.port);
  t.match(answer, problem(504, 'response-timeout'));
  t.ok(answer.took < 1000, `after ${answer.took.toFixed()} ms`);
});

await t.test('55 An answer that comes too late is for nobody', async (t) => {
  const { open, next } = await startSteered(t, { deadlines });
  const { client, server } = await open(asks('GET /fact/ HTTP/1.1'));
  await client.gets(/^HTTP\/1\.1 504 [^]*\}\n$/);
  server.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate');
  await server.ends();
  client.send(asks('GET /fact/ HTTP/1.1', 'Connection: close'));
  const fresh = await next();
  fresh.send('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew');
  await client.ends();
  t.match(client.received(), /\r\n\r\nnew$/);
  t.notMatch(client.received(), /late/);
});

await t.test('55 An upload to one that does not answer is a 504 too', async (t) => {
  upstream.reply = () => '';
  const client = await dial(t, proxy.port, `${asks('POST /fact/ HTTP/1.1', 'Content-Length: 4')}part`);
  await client.gets(/^HTTP\/1\.1 504 [^]*\}\n$/);
});

/** A port whose queue of connections is full: the system lets further ones wait. */
async function fullPort(t: { teardown(end: () => unknown): void }): Promise<number> {
  const listenThenFreeze = `
    const { parentPort } = require('node:worker_threads');
    const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage(server.address().port);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const worker = new Worker(listenThenFreeze, { eval: true });
  t.teardown(() => worker.terminate());
  const [port] = (await once(worker, 'message')) as [number];
  for (let i = 0; i < 4; i += 1) {
    const socket = net.connect(port, '127.0.0.1').on('error', () => {});
    t.teardown(() => socket.destroy());
    if (i < 2) await once(socket, 'connect');
  }
  return port;
}

await t.test('55 One to which no connection comes about in time is a 504', async (t) => {
  const { port } = await startBefore(t, `http://127.0.0.1:${await fullPort(t)}`, {
    deadlines: 'connectTimeout: 200ms, responseTimeout: 2s',
  });
  const answer = await ask(port);
  t.match(answer, problem(504, 'connect-timeout'));
  t.ok(answer.took > 150 && answer.took < 1000, `after ${answer.took.toFixed()} ms`);
});
