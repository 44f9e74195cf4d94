import t from 'tap';
import { openPool, send } from '../support/exchange.ts';
import { startRawUpstream } from '../support/upstream.ts';

// Each chunk was passed on by itself. 64 KiB of chunks of one byte, which is one read, became ten thousand writes to
// the client: an upstream, or whoever has it write byte by byte, stopped the proxy for all for a tenth of a second.
await t.test('chunks that come together are passed on together', async (t) => {
  const pieces = Array.from({ length: 50_000 }, (_, i) => `1\r\n${String.fromCodePoint(97 + (i % 26))}\r\n`);
  const { url } = await startRawUpstream(t, (socket) =>
    socket.once('data', () =>
      socket.write(
        `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${pieces.join('')}0\r\nX-Sum: 1\r\n\r\n`,
      ),
    ),
  );
  let calls = 0;
  const { body, trailers } = await send(openPool(t, url), {}, undefined, {
    onData: () => (calls += 1) > 0,
  }).done;
  t.equal(body, pieces.map((piece) => piece[3]).join(''), 'whole, in order');
  t.same(trailers, ['X-Sum', '1']);
  t.ok(calls < 500, `${calls} calls`);
});

await t.test('what came before a malformed chunk is passed on before the failure', async (t) => {
  const { url } = await startRawUpstream(t, (socket) =>
    socket.once('data', () =>
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n-1\r\n'),
    ),
  );
  const { events, body, error } = await send(openPool(t, url)).done;
  t.same(events, ['head', 'data', 'error']);
  t.match({ body, error }, { body: 'abcd', error: 'bad_response' });
});
