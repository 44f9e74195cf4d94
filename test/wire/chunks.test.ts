import t from 'tap';
import net from 'node:net';
import { until } from '../support/client.ts';
import {
  converse,
  type Conversation,
  hear,
  sawOnly,
  serves,
  startWire,
  statusOf,
  takeMessage,
} from '../support/wire.ts';

const wire = await startWire(t);
const { port, upstream } = wire;
const head = 'POST /fact/ HTTP/1.1\r\nHost: client.example\r\nTransfer-Encoding: chunked\r\n\r\n';
type Tap = Parameters<typeof serves>[0];

const behind = 'GET /smuggled HTTP/1.1\r\nHost: client.example\r\n\r\n';

/**
 * Sends a chunked upload whose first chunk is good, waits until the upstream has it, and sends what is `bad` with a
 * request behind it. Shows that the upstream's copy never becomes a whole request, and that its connection ends.
 */
async function neverCompletes(t: Tap, bad: string, name: string = JSON.stringify(bad)): Promise<void> {
  const { messages, cut } = upstream;
  const [whole, before] = [messages.length, cut.length];
  const socket = net.connect(port, '127.0.0.1');
  const heard = hear(socket);
  const start = upstream.bytes().length;
  socket.write(`${head}4\r\ngood\r\n`);
  await until(() => upstream.bytes().slice(start).includes('good'), 'the upload is under way');
  for (let at = 0; at < bad.length; at += 1024) {
    socket.write(bad.slice(at, at + 1024), 'latin1');
    await new Promise(setImmediate);
  }
  socket.write(behind);
  cutOrRefused(t, await heard, name);
  await until(() => cut.length > before, 'a cut').catch(() => {});
  t.equal(cut.length, before + 1, `${name}: the upstream connection is cut`);
  t.equal(messages.length, whole, `${name}: the upstream has seen no whole request`);
  t.equal(takeMessage(`${cut.at(-1)}\r\n`), undefined, `${name}: nor one that lacks its last line end`);
  await sawOnly(t, wire, upstream.bytes().length, name);
}

function cutOrRefused(t: Tap, { answers, rest, ended }: Conversation, name: string): void {
  t.ok(ended, `${name}: the client's connection ends`);
  t.match(answers.map(statusOf).join(), /^(400|413)?$/, `${name}: cut or refused`);
  t.equal(rest, '', `${name}: no half answer`);
}

// The size is found bad when the request is on its way already. To complete it upstream, with whatever was read so
// far, would turn the attacker's next bytes into a request of their own.
await t.test('13 a bad chunk size never completes a request upstream', async (t) => {
  const sizes = [
    'zz',
    '-1',
    '-4',
    '+4',
    '0x4',
    '4 ',
    ' 4',
    '\t4',
    '4\t',
    '4,',
    '4.0',
    '4_',
    '"4"',
    '\x004',
    '4\x00',
  ];
  // 2^32 + 4 and 2^64 + 4: sizes that wrap to 4 in a parser that counts in so many bits are merely large here.
  const overflows = ['10000000000000004', 'ffffffffffffffff4', 'f'.repeat(40), `${'0'.repeat(20)}g`];
  for (const size of [...sizes, ...overflows, ''])
    await neverCompletes(t, `${size}\r\nmore\r\n0\r\n\r\n`, JSON.stringify(size));
});

// Where one side sees the end of a size line, of a chunk or of the trailers and the other does not, the bytes
// between them are smuggled (`4;\n…` is known as TERM.EXT).
await t.test('13 a chunk with a wrong line end, or longer than its size, neither', async (t) => {
  for (const bad of [
    '4\nmore\r\n0\r\n\r\n',
    '4\rmore\r\n0\r\n\r\n',
    '4\r\rmore\r\n0\r\n\r\n',
    '4;a\nmore\r\n0\r\n\r\n',
    '4;a\rb\r\nmore\r\n0\r\n\r\n',
    '4\r\nmore\n0\r\n\r\n',
    '4\r\nmore0\r\n\r\n',
    '4\r\nmoreXX0\r\n\r\n',
    '3\r\nmore\r\n0\r\n\r\n',
    '0\n\r\n',
    '0\r\n\n',
    '0\r\nX-A : 1\r\n\r\n',
    '0\r\nX A: 1\r\n\r\n',
    '0\r\nX-A: 1\n\r\n',
    '0\r\nX-A: a\x00b\r\n\r\n',
    '0\r\nX-A: a\r\n b\r\n\r\n',
  ])
    await neverCompletes(t, bad);
});

await t.test('13 nor does one that comes in one packet with its head', async (t) => {
  for (const bad of [
    'zz\r\nmore\r\n',
    '-4\r\nmore\r\n',
    '10000000000000004\r\nmore\r\n',
    '4\nmore\r\n',
    '3\r\nmore\r\n',
  ]) {
    const whole = upstream.messages.length;
    cutOrRefused(t, await converse(port, `${head}4\r\ngood\r\n${bad}0\r\n\r\n${behind}`), bad);
    await sawOnly(t, wire, upstream.bytes().length, bad);
    t.equal(upstream.messages.length, whole + 1, `${bad}: no other whole request`);
  }
});

// Extensions mean nothing to anybody, and every hop has parsed them in its own way: none leaves the proxy.
await t.test('14 small chunk extensions are taken and go no further', async (t) => {
  const close = head.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');
  for (const [first = '', last = ''] of [
    ['4;name=value', '0'],
    ['4;name', '0;last'],
    ['4;a=1;b="two"', '0;c="d"'],
    [`4;long=${'x'.repeat(1000)}`, '0'],
  ]) {
    const message = await serves(t, wire, `${close}${first}\r\ngood\r\n${last}\r\n\r\n`, first);
    t.same([message?.values('transfer-encoding'), message?.body], [['chunked'], 'good'], first);
    const [, framed = ''] = message?.bytes.split('\r\n\r\n4') ?? [];
    t.equal(framed, '\r\ngood\r\n0\r\n\r\n', `${first}: no extension upstream`);
  }
});

// A body of one byte behind megabytes of extensions costs reading, and no limit on bodies sees it.
await t.test('14 huge chunk extensions are cut off', async (t) => {
  await neverCompletes(t, `4;${'x'.repeat(20 * 1024)}\r\nmore\r\n0\r\n\r\n`, 'one of 20 KiB');
  await neverCompletes(t, `4;${'a=b;'.repeat(10_000)}c\r\nmore\r\n0\r\n\r\n`, 'ten thousand small ones');
});
