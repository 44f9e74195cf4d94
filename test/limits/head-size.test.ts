import t from 'tap';
import { sendRaw } from '../support/client.ts';
import { limited } from '../support/limited.ts';
import { startProxy } from '../support/proxy.ts';
import { startRawUpstream } from '../support/upstream.ts';

const upstream = await startRawUpstream(t, (socket) =>
  socket.on('data', (chunk) => {
    seen.push(chunk.toString('latin1'));
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  }),
);
const seen: string[] = [];
const limits = 'headerBytes: 1KiB, headerCount: 10, uriBytes: 200B';
const proxy = await startProxy(t, limited(upstream.url, { limits }));

const head = (path: string, lines: readonly string[]) =>
  `GET ${path} HTTP/1.1\r\n${['Host: a', ...lines, 'Connection: close'].map((line) => `${line}\r\n`).join('')}\r\n`;

/** Sends a head and gives the status; what the upstream got of it is the last of `seen`. */
const statusOf = async (bytes: string) => Number((await sendRaw(proxy.port, bytes, false)).slice(9, 12));

const padded = (bytes: number) => {
  const rest = bytes - head('/', ['X-Pad: ']).length;
  return { pad: 'p'.repeat(rest), bytes: head('/', [`X-Pad: ${'p'.repeat(rest)}`]) };
};

await t.test('a head up to headerBytes passes whole', async (t) => {
  for (const size of [1000, 1024]) {
    const { pad, bytes } = padded(size);
    t.equal(bytes.length, size);
    t.equal(await statusOf(bytes), 200);
    t.match(seen.at(-1), `\r\nX-Pad: ${pad}\r\n`);
  }
});

// Node counts the target, names and values, and not what stands between them: 29 bytes of this head.
await t.test('a larger one is refused, whatever makes it large', async (t) => {
  const before = seen.length;
  const many = Array.from({ length: 8 }, (_, i) => `X-${i}: ${'v'.repeat(150)}`);
  for (const bytes of [padded(1024 + 29).bytes, padded(100_000).bytes, head('/', many)])
    t.equal(await statusOf(bytes), 431);
  t.match(
    await sendRaw(proxy.port, `GET / HTTP/1.1\r\nHost: a\r\nX-Endless: ${'e'.repeat(2000)}`, false),
    /431/,
  );
  t.match(await sendRaw(proxy.port, `GET / HTTP/1.1\r\n${'N'.repeat(2000)}`, false), /431/);
  t.equal(seen.length, before, 'nothing of it went upstream');
});

const lines = (count: number) => Array.from({ length: count - 2 }, (_, i) => `X-${i % 2}: ${i}`);

await t.test('headers are counted, each line for one', async (t) => {
  t.equal(await statusOf(head('/', lines(9))), 200, 'under');
  t.equal(await statusOf(head('/', lines(10))), 200, 'at');
  t.match(seen.at(-1), /X-1: 7\r\n/);
  const before = seen.length;
  t.equal(await statusOf(head('/', lines(11))), 431, 'over');
  t.equal(await statusOf(head('/', lines(200))), 431, 'far over');
  t.equal(seen.length, before);
});

const path = (bytes: number) => `/${'%41?'.repeat(50).slice(0, bytes - 1)}`;

await t.test('a target up to uriBytes passes', async (t) => {
  for (const size of [199, 200]) {
    t.equal(await statusOf(head(path(size), [])), 200);
    t.match(seen.at(-1), `GET ${path(size)} HTTP/1.1\r\n`);
  }
  const before = seen.length;
  for (const size of [201, 500])
    t.equal(await statusOf(head(`/${'a'.repeat(size - 1)}`, [])), 414, `${size}`);
  t.equal(seen.length, before);
});

// Node's own limit drops what comes after the first two thousand headers without a word: behind them a second
// Content-Length, or what a policy of the upstream looks for, would be hidden.
await t.test('no header is ever dropped', async (t) => {
  const roomy = 'headerBytes: 256KiB, headerCount: 5000';
  const proxy = await startProxy(t, limited(upstream.url, { limits: roomy }));
  const lines = [...Array.from({ length: 4000 }, (_, i) => `X-N: ${i}`), 'Authorization: last'];
  const before = seen.length;
  t.match(await sendRaw(proxy.port, head('/', lines), false), /^HTTP\/1\.1 200 /);
  const text = seen.slice(before).join('');
  t.equal(text.match(/X-N: \d+\r\n/g)?.length, 4000);
  t.match(text, 'Authorization: last\r\n');
});
