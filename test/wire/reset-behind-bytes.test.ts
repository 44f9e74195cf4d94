import t from 'tap';
import { request } from '../support/client.ts';
import { plain } from '../support/dialogue.ts';
import { startProxy } from '../support/proxy.ts';
import { startRawUpstream } from '../support/upstream.ts';

// When bytes and a reset are found in one look at a connection, libuv tells of bytes and an end. An answer that is as long
// as its connection would pass for whole, though the program that sent it had died in the middle.
await t.test('53 A reset right behind the bytes of an answer without a length is no end of it', async (t) => {
  const upstream = await startRawUpstream(t, (socket) =>
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\nhalf of it');
      socket.resetAndDestroy();
    }),
  );
  const proxy = await startProxy(t, plain(upstream.url));
  for (let i = 0; i < 5; i += 1) {
    // The head may have been lost with the bytes.
    const answer = await request(proxy.port, '/').catch(() => undefined);
    t.ok(answer === undefined || answer.cut || answer.status === 502, `answer ${i + 1}`);
  }
});

await t.test('47 An end is one', async (t) => {
  const upstream = await startRawUpstream(t, (socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nall of it')),
  );
  const proxy = await startProxy(t, plain(upstream.url));
  t.match(await request(proxy.port, '/'), { status: 200, body: 'all of it', cut: false });
});
