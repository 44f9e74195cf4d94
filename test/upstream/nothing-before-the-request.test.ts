import t from 'tap';
import { openPool, send } from '../support/exchange.ts';
import { startRawUpstream } from '../support/upstream.ts';

// Whoever can cut the TLS handshake by a plain FIN (no key is needed for that) made it the end of an answer that had
// no head: the client got an empty 200 that nobody had sent, and caches might have kept it.
await t.test('an end in the TLS handshake is a failure, not an answer', async (t) => {
  const { port } = await startRawUpstream(t, (socket) => socket.end());
  const pool = openPool(t, `https://127.0.0.1:${port}`);
  t.match(await send(pool).done, { events: ['error'], error: 'reset' });
});

await t.test('nor is one after a byte of nonsense, or a reset', async (t) => {
  for (const end of ['nonsense', 'reset']) {
    const { port } = await startRawUpstream(t, (socket) =>
      socket.once('data', () => (end === 'reset' ? socket.resetAndDestroy() : socket.end('HTTP/1.1 200'))),
    );
    const pool = openPool(t, `https://127.0.0.1:${port}`);
    t.match(await send(pool).done, { events: ['error'], error: /reset|tls_failed/ }, end);
  }
});

await t.test('a server that speaks first is not heard before it is asked, nor believed', async (t) => {
  const { url } = await startRawUpstream(t, (socket) => socket.write('SSH-2.0-OpenSSH_9.6\r\n'));
  t.match(await send(openPool(t, url)).done, { events: ['error'], error: 'bad_response' });
});
