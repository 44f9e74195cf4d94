import t from 'tap';
import { headers, speakFrames, type Field } from '../support/frames.ts';
import { startProxy } from '../support/proxy.ts';
import { begun } from '../support/spoken.ts';
import { ok, plain, startRecorder } from '../support/wire.ts';

const upstream = await startRecorder(t, () => ok());
const { port } = await startProxy(
  t,
  `listen: { address: "127.0.0.1:0", http2: true }\n${plain(upstream.url)}`,
);

async function ask(pseudo: Record<string, string>, ...more: Field[]) {
  const client = speakFrames(await begun(port));
  t.teardown(() => client.socket.destroy());
  const fields = { ':method': 'GET', ':scheme': 'http', ':authority': 'a', ':path': '/', ...pseudo };
  client.send(headers(1, [...Object.entries(fields), ...more]));
  return (await client.over(1)).status;
}

// Node's parser of HTTP/1.1 knows its methods; HTTP/2 takes any token, and an upstream might take `connect` for CONNECT, or send
// no body to a `head`.
await t.test('a method that HTTP/1.1 would not be read with is not served', async (t) => {
  for (const method of ['connect', 'head', 'get', 'PRI', 'X-ANY', 'M'.repeat(5000)])
    t.equal(await ask({ ':method': method }), 501, method);
  t.equal(upstream.bytes(), '', 'and nothing of it reaches the upstream');
  for (const method of ['GET', 'PROPFIND', 'M-SEARCH'])
    t.equal(await ask({ ':method': method }), 200, method);
});

// nghttp2 looks into the path where the scheme is http or https alone. In an absolute form, what is routed and forwarded by would
// be another authority than `:authority`.
await t.test('a path that is none is refused, whatever its scheme', async (t) => {
  const before = upstream.bytes();
  for (const path of ['http://b/', 'HTTP://b/', 'b', '?', '*'])
    t.equal(await ask({ ':scheme': 'other', ':path': path }), 400, path);
  t.equal(upstream.bytes(), before);
});

// The upstream's agreement fits one key, so that any client could have an upstream fail, and a version rolled back.
await t.test('a tunnel is asked for with one key, and the client has no say in it', async (t) => {
  const tunnel = { ':method': 'CONNECT', ':protocol': 'websocket' };
  await ask(tunnel, ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ==']);
  const keys = upstream.messages.at(-1)?.values('sec-websocket-key') ?? [];
  t.equal(keys.length, 1);
  t.notSame(keys, ['dGhlIHNhbXBsZSBub25jZQ==']);
});
