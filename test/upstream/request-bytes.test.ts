import t, { type Test } from 'tap';
import { PassThrough, Readable } from 'node:stream';
import { until } from '../support/client.ts';
import { openPool, send } from '../support/exchange.ts';
import { startRawUpstream } from '../support/upstream.ts';

/** An upstream that keeps every byte and answers when it is told to. */
async function startListening(t: Test) {
  let received: (() => string) | undefined;
  let answer: (() => void) | undefined;
  const upstream = await startRawUpstream(t, (socket, bytes) => {
    received = bytes;
    answer = () => void socket.write('HTTP/1.1 204 No Content\r\n\r\n');
  });
  const pool = openPool(t, upstream.url);
  const bytes = (expected: string) =>
    until(() => (received?.() ?? '').length >= expected.length, 'it is all there').then(() => received?.());
  return { pool, bytes, answer: () => answer?.() };
}

const headers = ['Host', 'api', 'X-A', '1', 'x-a', '\xe9', 'X-Empty', ''];
const headText = 'Host: api\r\nX-A: 1\r\nx-a: \xe9\r\nX-Empty: \r\n';

await t.test('the head is written as it was given, byte for byte', async (t) => {
  const { pool, bytes, answer } = await startListening(t);
  const { done } = send(pool, { method: 'DELETE', path: '//a%2Fb/..;c?d=%zz&&?', headers });
  const expected = `DELETE //a%2Fb/..;c?d=%zz&&? HTTP/1.1\r\n${headText}\r\n`;
  t.equal(await bytes(expected), expected);
  answer();
  await done;
  send(pool, { method: 'OPTIONS', path: '*', headers: ['Host', 'api'] });
  const next = `${expected}OPTIONS * HTTP/1.1\r\nHost: api\r\n\r\n`;
  t.equal(await bytes(next), next, 'and nothing between two requests');
});

const trailers = () => ['X-Sum', '42', 'X-Sum', '43'];

await t.test('the head goes out before the first byte of a body, and each piece as it comes', async (t) => {
  const { pool, bytes, answer } = await startListening(t);
  const stream = new PassThrough();
  const body = { framing: 'chunked' as const, stream, trailers };
  const { done } = send(pool, { method: 'POST', headers }, body);
  let expected = `POST / HTTP/1.1\r\n${headText}Transfer-Encoding: chunked\r\n\r\n`;
  t.equal(await bytes(expected), expected);
  for (const [piece, framed] of [
    ['one', '3\r\none\r\n'],
    ['x'.repeat(26), `1a\r\n${'x'.repeat(26)}\r\n`],
  ] as const) {
    stream.write(piece);
    expected += framed;
    t.equal(await bytes(expected), expected);
  }
  stream.end();
  expected += '0\r\nX-Sum: 42\r\nX-Sum: 43\r\n\r\n';
  t.equal(await bytes(expected), expected);
  answer();
  t.match(await done, { status: 204 });
});

await t.test(
  'a body of known length is sent as it is; an empty one in chunks is its end alone',
  async (t) => {
    const sized = await startListening(t);
    const stream = Readable.from([Buffer.from('0\r\n'), Buffer.from('\r\n')]);
    const told: number[] = [];
    const onChunk = (chunk: Buffer) => void told.push(chunk.length);
    const head = { method: 'PUT', headers: ['Content-Length', '5'] };
    send(sized.pool, head, { framing: 'length', stream, onChunk });
    const expected = 'PUT / HTTP/1.1\r\nContent-Length: 5\r\n\r\n0\r\n\r\n';
    t.equal(await sized.bytes(expected), expected);
    t.same(told, [3, 2]);

    const empty = await startListening(t);
    send(empty.pool, { method: 'POST', headers: [] }, { framing: 'chunked', stream: Readable.from([]) });
    const none = 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
    t.equal(await empty.bytes(none), none);
  },
);

// A chunk of no bytes is the end of a body: what follows would be read as the next request.
await t.test('an empty piece does not end a body in chunks', async (t) => {
  const { pool, bytes } = await startListening(t);
  const stream = new PassThrough({ objectMode: true });
  send(pool, { method: 'POST', headers: [] }, { framing: 'chunked', stream });
  for (const piece of ['a', '', 'b']) stream.write(Buffer.from(piece));
  stream.end();
  const expected = 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n';
  t.equal(await bytes(expected), expected);
});

await t.test('a body that is cut is never completed', async (t) => {
  for (const when of ['before the connection', 'under way']) {
    const { pool, bytes } = await startListening(t);
    const stream = new PassThrough();
    const { done } = send(pool, { method: 'POST', headers: [] }, { framing: 'chunked', stream });
    if (when === 'under way') {
      stream.write('part');
      await bytes('POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n');
    }
    stream.destroy();
    t.match(await done, { events: ['error'], error: 'request_cut' }, when);
    t.notMatch(await bytes(''), /\r\n0\r\n/);
  }
});

await t.test('a request for a tunnel says so, and sends none of it before it is agreed to', async (t) => {
  const { pool, bytes, answer } = await startListening(t);
  const stream = new PassThrough();
  stream.write('early');
  const { done } = send(
    pool,
    { headers: ['Host', 'a'] },
    { framing: 'tunnel', stream, protocol: 'websocket' },
  );
  const expected = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
  t.equal(await bytes(expected), expected);
  answer();
  await done;
  t.equal(await bytes(expected), expected, 'nor when it is refused');
  t.equal(stream.readableLength, 5);
});
