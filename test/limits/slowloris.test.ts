import t, { type Test } from 'tap';
import { request, until } from '../support/client.ts';
import { connectRaw, limited } from '../support/limited.ts';
import { startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

const clients = 200;

const upstream = await startUpstream(t, (req, res) => req.resume().on('end', () => res.end('served')));
const held = () => new Promise<number>((resolve) => upstream.server.getConnections((_, n) => resolve(n)));
const settings = {
  limits: 'headTimeout: 400ms, bodyIdleTimeout: 400ms',
  upstream: `maxConnections: ${clients + 50}, responseTimeout: 3s`,
};
const proxy = await startProxy(t, limited(upstream.url, settings));

/** Opens all clients, each of which then sends `drip` again and again, and serves others until the last is closed. */
async function attack(t: Test, bytes: string, drip: string) {
  const slow = await Promise.all(Array.from({ length: clients }, () => connectRaw(t, proxy.port, bytes)));
  const dripping = setInterval(() => {
    for (const { socket } of slow) if (drip !== '' && socket.writable) socket.write(drip);
  }, 50);
  const answers = Promise.all(slow.map(({ closed }) => closed));
  const took: number[] = [];
  while (slow.some(({ socket }) => !socket.destroyed)) {
    const started = performance.now();
    t.equal((await request(proxy.port, '/')).status, 200);
    took.push(performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  clearInterval(dripping);
  const usual = took.toSorted((a, b) => a - b)[Math.floor(took.length / 2)] ?? Infinity;
  return { answers: await answers, served: took.length, usual };
}

// Slowloris: each connection sends a little, often enough not to be idle, and never ends its head. A server with a
// thread or a place for each is full; here each costs a socket, for headTimeout.
await t.test('heads that never end are answered 408, and others are served meanwhile', async (t) => {
  const head = 'GET / HTTP/1.1\r\nHost: a\r\nX-Drip: ';
  const { answers, served, usual } = await attack(t, head, 'd');
  t.equal(answers.filter((answer) => answer.startsWith('HTTP/1.1 408 ')).length, clients);
  t.ok(served > 3, `${served} served`);
  t.ok(usual < 400, `in ${usual.toFixed(0)} ms, long before the attackers make room`);
});

await t.test('so are clients that connect and say nothing', async (t) => {
  const { answers } = await attack(t, '', '');
  t.equal(answers.filter((answer) => answer.startsWith('HTTP/1.1 408 ')).length, clients);
});

// The same with bodies (R-U-Dead-Yet): each holds a connection to the upstream, too.
await t.test('bodies that never move are answered 408, and let go of the upstream', async (t) => {
  const { answers, served, usual } = await attack(
    t,
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx',
    '',
  );
  t.equal(answers.filter((answer) => answer.startsWith('HTTP/1.1 408 ')).length, clients);
  t.ok(served > 3, `${served} served`);
  t.ok(usual < 400, `in ${usual.toFixed(0)} ms, long before the attackers make room`);
  await until(async () => (await held()) < 60, 'their connections are gone');
});
