import t from 'tap';
import { openPool, send } from '../support/exchange.ts';
import { startRawUpstream } from '../support/upstream.ts';

const head = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n';

await t.test('an exchange knows whether its answer came whole', async (t) => {
  for (const [bytes, whole] of [
    [`${head}ok`, true],
    [`${head}o`, false],
    ['nonsense\r\n\r\n', false],
  ] as const) {
    const { url } = await startRawUpstream(t, (socket) => socket.once('data', () => socket.end(bytes)));
    const { exchange, done } = send(openPool(t, url));
    t.notOk(exchange.whole, 'not before');
    await done;
    t.equal(exchange.whole, whole, bytes);
  }
});

await t.test('one that is aborted is not whole, and after its end nothing changes that', async (t) => {
  const { url } = await startRawUpstream(t, (socket) => socket.on('data', () => socket.write(`${head}ok`)));
  const pool = openPool(t, url);
  const aborted = send(pool).exchange;
  aborted.abort();
  t.notOk(aborted.whole);
  const ended = send(pool);
  await ended.done;
  const { total } = ended.exchange.timings;
  ended.exchange.abort();
  t.match(ended.exchange, { whole: true, timings: { total } });
});

await t.test('and how often it was sent again', async (t) => {
  const { url } = await startRawUpstream(t, (socket) => {
    let requests = 0;
    socket.on('data', () => (++requests > 1 ? socket.end() : socket.write(`${head}ok`)));
  });
  const pool = openPool(t, url);
  for (const resends of [0, 1]) {
    const { exchange, done } = send(pool);
    t.match(await done, { error: undefined });
    t.equal(exchange.resends, resends);
  }
});
