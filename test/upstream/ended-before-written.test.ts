import t from 'tap';
import { openPool, send } from '../support/exchange.ts';
import { startRawUpstream } from '../support/upstream.ts';

const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

// Requests wait for the end of a turn to be written. A connection that ends meanwhile has not seen them, so that it does no harm
// to send them on another, be they what they may: a POST is never sent again once it may have been seen.
await t.test(
  'a request whose connection ends before its turn to be written is sent on another',
  async (t) => {
    const seen: string[] = [];
    const { url, connections } = await startRawUpstream(t, (socket) =>
      socket.on('data', (bytes: Buffer) => {
        seen.push(bytes.toString('latin1').split(' ', 1)[0] ?? '');
        // The end comes right behind the answer, of which it says nothing.
        socket.end(answer);
      }),
    );
    const pool = openPool(t, url);
    t.match(await send(pool, {}).done, { error: undefined });
    const second = await new Promise<ReturnType<typeof send>>((resolve) => {
      // Between the answer and the end, both of which are there.
      setImmediate(() => resolve(send(pool, { method: 'POST' })));
    });
    t.match(await second.done, { error: undefined });
    t.same(seen, ['GET', 'POST'], 'each once');
    t.equal(connections(), 2);
  },
);
