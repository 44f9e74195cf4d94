import t from 'tap';
import { PassThrough, Readable } from 'node:stream';
import { until } from '../support/client.ts';
import { openPool, send, type Sent } from '../support/exchange.ts';
import { startRawUpstream } from '../support/upstream.ts';

const whole = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n';
const startAnswering = (t: Parameters<typeof startRawUpstream>[0], answer = whole) =>
  startRawUpstream(t, (socket) =>
    socket.on('data', () => socket.write(answer)).on('end', () => socket.end()),
  );

await t.test('an exchange aborted in a callback reports no more, and its connection ends', async (t) => {
  const { url, sockets } = await startAnswering(t, `HTTP/1.1 103 Early Hints\r\n\r\n${whole}`);
  const pool = openPool(t, url);
  const events = ['informational', 'head', 'data'];
  for (const [at, name] of (['onInformational', 'onHead', 'onData'] as const).entries()) {
    const sent: Sent = send(pool, {}, undefined, {
      [name]: () => (sent.exchange.abort(), true),
    });
    await until(
      () => sent.report.events.includes(events[at] ?? '') && sockets.size === 0,
      `${name}, and the end`,
    );
    t.same(sent.report.events, events.slice(0, at + 1), name);
    t.type(sent.exchange.timings.total, 'number');
    sent.exchange.resume();
    sent.exchange.abort();
  }
  t.match(await send(pool).done, { body: 'abcd' }, 'the pool goes on');
});

await t.test(
  'one sent from a callback of another is served, on its connection once that is free',
  async (t) => {
    const { url, connections } = await startAnswering(t);
    const pool = openPool(t, url, { maxConnections: 1 });
    const inner: Sent[] = [];
    const again = () => void inner.push(send(pool));
    await send(pool, {}, undefined, { onHead: again, onData: () => (again(), true), onEnd: again }).done;
    for (const { done } of inner) t.match(await done, { body: 'abcd', error: undefined });
    t.equal(connections(), 1);
  },
);

const fault = () => {
  throw new Error('a fault of ours');
};

await t.test('a callback that throws fails its exchange alone', async (t) => {
  const { url } = await startAnswering(t);
  const pool = openPool(t, url);
  t.match(await send(pool, {}, undefined, { onHead: fault }).done, { error: 'internal' });
  t.match(await send(pool).done, { body: 'abcd' });
});

await t.test('data is held back until resume, and resume after the end does nothing', async (t) => {
  const { url } = await startAnswering(
    t,
    `HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n${'x'.repeat(4_000_000)}`,
  );
  const pool = openPool(t, url);
  let held = 0;
  const sent: Sent = send(pool, {}, undefined, {
    onData() {
      if (held > 0) return true;
      held = sent.report.body.length;
      return false;
    },
  });
  await until(() => held > 0, 'the first data');
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.equal(sent.report.body.length, held, 'nothing came meanwhile');
  sent.exchange.resume();
  t.equal((await sent.done).body.length, 4_000_000);
  sent.exchange.resume();
  t.match(await send(pool).done, { error: undefined });
});

// Aborted while its head was reported, a tunnel was still begun: it drew from the client what nobody would get.
await t.test('a tunnel aborted as it is agreed to takes nothing from its client', async (t) => {
  const { url, sockets } = await startAnswering(
    t,
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  );
  const stream = new PassThrough();
  const body = { framing: 'tunnel' as const, stream, protocol: 'websocket' };
  const sent: Sent = send(openPool(t, url), {}, body, { onHead: () => sent.exchange.abort() });
  await until(() => sent.report.status === 101 && sockets.size === 0, 'agreed, and gone');
  t.not(stream.readableFlowing, true);
});

// On a kept connection the error came within `send`: before the sender had an exchange to tell it of.
await t.test('a body that is gone already fails its exchange once its sender knows of it', async (t) => {
  const { url } = await startAnswering(t);
  const pool = openPool(t, url);
  await send(pool).done;
  const stream = new Readable({ read() {} });
  stream.destroy();
  const { report, done } = send(pool, { method: 'POST' }, { framing: 'chunked', stream });
  t.same(report.events, [], 'not yet');
  t.match(await done, { error: 'request_cut' });
});
