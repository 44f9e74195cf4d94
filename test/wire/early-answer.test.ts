import t from 'tap';
import net from 'node:net';
import { until } from '../support/client.ts';
import { startProxy } from '../support/proxy.ts';
import { unusedPort } from '../support/upstream.ts';
import { type Conversation, hear, refusal, startRecorder, statusOf } from '../support/wire.ts';

const upstream = await startRecorder(t);
const proxy = await startProxy(
  t,
  `
upstreams:
  api: { url: "${upstream.url}" }
  dead: { url: "http://127.0.0.1:${await unusedPort()}" }
routes:
  - { name: dead, match: { path: /dead/ }, upstream: dead }
  - { name: api, match: { path: /api/ }, upstream: api }
shutdown: { drain: 1s }
`,
);

const head = (target: string, framing: string) =>
  `POST ${target} HTTP/1.1\r\nHost: client.example\r\n${framing}\r\n\r\n`;
const announced = 64 * 1024 * 1024;
const counted = `Content-Length: ${announced}`;
const chunked = `Transfer-Encoding: chunked\r\n\r\n${announced.toString(16)}`;

/** Part of a body, which anybody who takes it for requests would serve. */
const smuggled = 'GET /api/smuggled HTTP/1.1\r\nHost: client.example\r\n\r\n';
const body = Buffer.alloc(8 * 1024 * 1024, smuggled);

/** Writes head and body without reading, and only when all is written hears the answer. */
async function uploadThenRead(headText: string, bytes: Buffer): Promise<Conversation> {
  const socket = net.connect(proxy.port, '127.0.0.1').pause();
  socket.on('error', () => {});
  socket.write(headText);
  let written = false;
  socket.write(bytes, () => (written = true));
  await until(() => written, 'the upload is taken, or the connection gone');
  return hear(socket);
}

const oneAnswer = (status: number) => ({
  statuses: [status],
  connection: ['close'],
  type: ['application/problem+json'],
  problem: status,
  rest: '',
  ended: true,
});
const inShort = ({ answers, rest, ended }: Conversation) => ({
  statuses: answers.map(statusOf),
  ...refusal(answers[0]),
  rest,
  ended,
});

// A connection that is closed with bytes unread is reset, and a reset throws away what the client has not read yet:
// the very answer that would tell it why. And what is left of the body must not be read as requests.
await t.test('23 an early error closes, and is read whole by a client still uploading', async (t) => {
  for (const [target, status] of [
    ['/nowhere', 404],
    ['/dead/', 502],
  ] as const)
    for (const framing of [counted, chunked]) {
      const name = `${status}, ${framing.slice(0, 17)}`;
      t.same(inShort(await uploadThenRead(head(target, framing), body)), oneAnswer(status), name);
    }
  t.equal(upstream.connections(), 0, 'nothing of a body reached the upstream');
});

await t.test('23 so is the refusal of a head, whatever follows it', async (t) => {
  for (const [bytes, status] of [
    [head('/api/', 'Content-Length: +5'), 400],
    [head('/api/', `${counted}\r\nTransfer-Encoding: chunked`), 400],
    [head('/api/', `Host: again.example\r\n${counted}`), 400],
    [head('/api/', `X-A : 1\r\n${counted}`), 400],
    [head('/api/', `${counted}\r\nX-A: ${'a'.repeat(20_000)}`), 431],
    [head(`/api/${'a'.repeat(9000)}`, counted), 414],
  ] as const)
    t.same(inShort(await uploadThenRead(bytes, body)), oneAnswer(status), bytes.slice(0, 99));
  t.equal(upstream.connections(), 0, 'nothing reached the upstream');
});

await t.test('23 so is one for a body that stops short', async (t) => {
  for (const framing of [counted, chunked]) {
    const answer = inShort(await uploadThenRead(head('/nowhere', framing), Buffer.from(smuggled)));
    t.same(answer, oneAnswer(404), framing.slice(0, 17));
  }
  t.equal(upstream.connections(), 0, 'nothing of a body is served');
});
