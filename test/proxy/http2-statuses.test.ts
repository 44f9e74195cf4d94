import t from 'tap';
import { headers, speakFrames } from '../support/frames.ts';
import { startProxy } from '../support/proxy.ts';
import { begun } from '../support/spoken.ts';
import { plain, startRecorder } from '../support/wire.ts';

let answer = '';
const { url } = await startRecorder(t, () => answer);
const { port } = await startProxy(t, `listen: { address: "127.0.0.1:0", http2: true }\n${plain(url)}`);

async function ask(method: string, bytes: string) {
  answer = bytes;
  const client = speakFrames(await begun(port));
  t.teardown(() => client.socket.destroy());
  client.send(
    headers(1, [
      [':method', method],
      [':scheme', 'http'],
      [':authority', 'a'],
      [':path', '/'],
    ]),
  );
  return client.over(1);
}

// Node throws when it is to send one of these by HTTP/2, which must not end the process: some sites answer 999.
for (const status of [600, 700, 999])
  await t.test(`an upstream that answers ${status} has no answer for a client of HTTP/2`, async (t) => {
    t.match(await ask('GET', `HTTP/1.1 ${status} Odd\r\nContent-Length: 2\r\n\r\nok`), {
      status: 502,
      ended: true,
    });
    const inChunks = `HTTP/1.1 ${status} Odd\r\nTransfer-Encoding: chunked\r\n\r\n`;
    t.match(await ask('GET', inChunks), { status: 502, ended: true }, 'nor one that begins');
    t.match(await ask('HEAD', `HTTP/1.1 ${status} Odd\r\n\r\n`), { status: 502, ended: true });
    t.match(await ask('GET', 'HTTP/1.1 599 Last\r\nContent-Length: 2\r\n\r\nok'), {
      status: 599,
      data: 'ok',
    });
  });

// A 205 has none (RFC 9110 §15.3.6), and Node sends none; a length would have the client wait for it, or call it malformed.
await t.test('the body of a 205 goes no further, and neither does its length', async (t) => {
  const fate = await ask('GET', 'HTTP/1.1 205 Reset\r\nContent-Length: 2\r\n\r\nok');
  t.strictSame(fate, { status: 205, data: '', ended: true, reset: undefined });
});
