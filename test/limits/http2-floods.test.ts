import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import net from 'node:net';
import t, { type Test } from 'tap';
import { startBeside } from '../support/beside.ts';
import { until } from '../support/client.ts';
import { residentMegabytes } from '../support/command.ts';
import { data, frame, preface, requestFor, reset, settings, speakFrames, types } from '../support/frames.ts';
import { startUpstream } from '../support/upstream.ts';

const options = {
  skip: process.platform === 'linux' ? false : 'what a process takes is read from /proc',
  timeout: 60_000,
};

/** Every answer takes a while, so that what is cancelled is under way. */
const upstream = await startUpstream(t, (_req, res) => void setTimeout(() => res.end('late'), 2000));
const proxy = await startBeside(t, upstream.url, { listen: 'http2: true', limits: 'headTimeout: 2s' });

/** Seconds of CPU that the proxy has taken. */
function cpu(): number {
  const stat = readFileSync(`/proc/${proxy.child.pid}/stat`, 'latin1').replace(/^.*\) /, '');
  const [user = 0, system = 0] = stat.split(' ').slice(11, 13).map(Number);
  return (user + system) / 100;
}

/** Makes the next bytes of an attack; `count` starts at 0 with each connection. */
type Burst = (count: number) => Buffer;

/**
 * Sends bursts as fast as they are taken, or `rate` a second, and begins a new connection when the proxy has ended one. How many
 * connections it came to.
 */
async function attack(burst: Burst, seconds: number, rate = Infinity): Promise<number> {
  const began = performance.now();
  const over = () => performance.now() - began > seconds * 1000;
  let bursts = 0;
  let connections = 0;
  while (!over()) {
    const socket = net.connect(proxy.port, '127.0.0.1');
    await once(socket, 'connect');
    const client = speakFrames(socket);
    connections += 1;
    for (let count = 0; client.gone() === undefined && !over(); count += 1) {
      const taken = socket.write(burst(count));
      if (!taken) await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => {});
      bursts += 1;
      const early = began + (bursts / rate) * 1000 > performance.now();
      await new Promise((resolve) => (early ? setTimeout(resolve, 1) : setImmediate(resolve)));
    }
    socket.destroy();
  }
  return connections;
}

/** Shows that whatever `work` does others are served, and memory and descriptors come back. */
async function borne<T>(t: Test, work: () => Promise<T>): Promise<T> {
  const memory = residentMegabytes(proxy.child.pid);
  const [before, began] = [cpu(), performance.now()];
  const { result, unserved, slowest } = await proxy.meanwhile(work);
  const took = (performance.now() - began) / 1000;
  const after = residentMegabytes(proxy.child.pid);
  t.comment(
    `CPU ${(cpu() - before).toFixed(1)} s of ${took.toFixed(1)}, memory ${memory.toFixed(0)} to ${after.toFixed(0)} MB, others within ${slowest.toFixed(0)} ms`,
  );
  t.same(unserved, [], 'others are served');
  t.ok(slowest < 1500, `within ${slowest.toFixed(0)} ms`);
  t.ok(after < memory + 100, `memory ${memory.toFixed(0)}, then ${after.toFixed(0)} MB`);
  await proxy.settled();
  t.equal(proxy.child.exitCode, null);
  return result;
}

const ask = (stream: number, more: { method?: string; path?: string; end?: boolean } = {}) =>
  requestFor(stream, { path: '/sick/', ...more });

const resetAtOnce: Burst = (count) => Buffer.concat([ask(count * 2 + 1), reset(count * 2 + 1)]);
const resetLater: Burst = (count) =>
  Buffer.concat([ask(count * 2 + 1), ...(count < 5 ? [] : [reset(count * 2 - 9)])]);

// Rapid reset, CVE-2023-44487: a request that is cancelled at once never counts as concurrent, and each has the proxy begin
// work, here and at the upstream.
await t.test('10,000 requests a second, each cancelled as it is made', options, async (t) => {
  t.ok((await borne(t, () => attack(resetAtOnce, 3, 10_000))) > 1, 'their connection is ended');
});

await t.test('2,000 requests a second, each cancelled once it is under way', options, async (t) => {
  t.ok((await borne(t, () => attack(resetLater, 2, 2000))) > 1, 'their connection is ended');
});

// CVE-2024-27983 and its like: a head that never ends, in frames that need not hold anything.
await t.test('a head in CONTINUATION frames without end', options, async (t) => {
  const field = Buffer.concat([Buffer.from('\0\x09x-padding\x7e'), Buffer.alloc(126, 'x')]);
  const burst: Burst = (count) =>
    count === 0
      ? frame(types.headers, 0, 1, field)
      : frame(types.continuation, 0, 1, count % 2 === 0 ? field : '');
  t.ok((await borne(t, () => attack(burst, 2))) > 1, 'their connection is ended');
});

// CVE-2019-9512 to -9518 and others: frames that are cheap to send, each of which is read, and some answered.
await t.test('floods of frames that ask for nothing, all at once', options, async (t) => {
  const kinds: Record<string, (count: number) => Buffer> = {
    PING: () => frame(types.ping, 0, 0, '12345678'),
    SETTINGS: () => settings({ 4: 65_535 }),
    'empty SETTINGS': () => settings(),
    PRIORITY: (count) => frame(2, 0, count * 2 + 3, '\0\0\0\0\x10'),
    'WINDOW_UPDATE for the connection': () => frame(types.windowUpdate, 0, 0, '\0\0\0\x01'),
    'frames of unknown types': () => frame(0xbe, 0, 0, 'x'.repeat(64)),
    'RST_STREAM for what is over': () => reset(1),
    'empty DATA': () => data(3, '', false),
  };
  const floods = Object.entries(kinds).map(async ([name, one]) => {
    const begin = Buffer.concat([
      ask(1, { path: '/well' }),
      ...(name === 'empty DATA' ? [ask(3, { method: 'POST', end: false })] : []),
    ]);
    const burst: Burst = (count) =>
      count === 0 ? begin : Buffer.concat(Array.from({ length: 200 }, (_, i) => one(count * 200 + i)));
    return { name, connections: await attack(burst, 6) };
  });
  for (const { name, connections } of await borne(t, () => Promise.all(floods)))
    t.ok(connections > 1, `${name}: the connection is ended`);
});

await t.test('1,000 connections that say nothing, or nothing behind the preface', options, async (t) => {
  const says = ['', preface.subarray(0, 10), preface, Buffer.concat([preface, Buffer.from('\0\0\x20\x01')])];
  await borne(t, async () => {
    const sockets = Array.from({ length: 1000 }, () => net.connect(proxy.port, '127.0.0.1'));
    for (const [index, socket] of sockets.entries()) {
      socket.on('error', () => {}).resume();
      socket.write(says[index % says.length] ?? '');
    }
    await until(() => sockets.every(({ destroyed }) => destroyed), 'all are closed', 8000);
  });
});
