import { until } from '../support/client.ts';
import { codes, data, headers, reset, speakFrames, type Field, type FrameClient } from '../support/frames.ts';
import { okAnswer, type Peer } from '../support/peers.ts';
import { both, each, good, inOrder, type Run } from './behaviour.ts';
import type { Answered, Ask } from './door.ts';
import type { World } from './world.ts';

/** Life, tunnels apart: 58 to 61. */
const fin = ({ socket }: Peer) => socket.end();
const rst = ({ socket }: Peer) => socket.resetAndDestroy();

const leaves: Run = async (t, { exchange, recorded, door }) => {
  for (const way of ['the request', 'the connection'])
    for (const [name, ask, then] of [
      ['before the head', {}, ''],
      [
        'in the body of the answer',
        {},
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n',
      ],
      [
        'in an upload with a length',
        { method: 'POST', body: 'later', fields: [['Content-Length', '1000']] },
        '',
      ],
      ['in an upload without one', { method: 'POST', body: 'later' }, ''],
    ] as readonly [string, Ask, string][]) {
      const { asking, connection, server } = await exchange(ask);
      if (ask.body !== undefined) {
        asking.send('some');
        await server.gets(/some/);
      }
      server.send(then);
      if (then !== '') await asking.gets('first');
      if (way === 'the request') asking.leave();
      else connection.destroy();
      await server.ends(1000);
      t.notMatch(
        server.received(),
        /\r\n0\r\n\r\n$/,
        `${name}, by leaving ${way}: cut, and never made whole`,
      );
    }
  if (!door.http2) return;
  // A stream that is given up leaves its connection to the others.
  const connection = await door.open(recorded.port);
  t.teardown(() => connection.destroy());
  const [given, kept] = [
    connection.ask({ method: 'POST', body: 'later' }),
    connection.ask({ path: '/kept' }),
  ];
  given.leave();
  t.match(await kept.done(), { status: 200, body: 'ok', clean: true });
};

/**
 * By the frame: a body that was not ended is never made whole, whatever a client gives as its reason. Node has a stream end as if
 * it were complete.
 */
const leavesByFrames: Run = async (t, { door, port, speaker }) => {
  for (const [how, leave] of [
    ['a reset', (client) => client.send(reset(1))],
    ['a reset without an error', (client) => client.send(reset(1, codes.none))],
    ['the end of the connection', ({ socket }) => socket.end()],
    ['a cut of the connection', ({ socket }) => socket.destroy()],
  ] as readonly [string, (client: FrameClient) => unknown][]) {
    await speaker.forget();
    const client = speakFrames(await door.connect(port));
    client.send(headers(1, good('/fact/', [], 'POST'), false), data(1, 'some', false));
    const server = await speaker.next();
    await server.gets(/some/);
    leave(client);
    await server.ends(1000);
    t.match(server.received(), /\r\n4\r\nsome\r\n$/, how);
    client.socket.destroy();
  }
};

const mebibyte = 1024 ** 2;
/** What the system buffers on its own, on four sockets, stays far below. */
const size = 32 * mebibyte;
const piece = 'x'.repeat(64 * 1024);

/** Sends pieces as long as they are taken; the bytes that were, once none has been for 200 ms. */
async function sendUntilStalled(send: (bytes: string) => void, unsent: () => number): Promise<number> {
  let sent = 0;
  let left = 0;
  let since = performance.now();
  await until(() => {
    const before = left;
    while (sent < size && unsent() < 2 * piece.length) {
      send(piece);
      sent += piece.length;
    }
    left = unsent();
    if (left < 2 * piece.length || left !== before) since = performance.now();
    return sent === size || performance.now() - since > 200;
  }, 'the sender stands still');
  return sent - unsent();
}

const heldBack: Run = async (t, { exchange }) => {
  const down = await exchange();
  down.asking.pause();
  down.server.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
  const { socket } = down.server;
  const sent = await sendUntilStalled(down.server.send, () => socket.writableLength);
  t.ok(
    sent < size * 0.75,
    `an answer that nobody reads stands still after ${Math.round(sent / mebibyte)} MiB`,
  );
  down.asking.resume();
  await sendAll(down.server.send, () => socket.writableLength, size - sent - socket.writableLength);
  const answer = await down.asking.done();
  t.match(
    { bytes: answer.body.length, clean: answer.clean },
    { bytes: size, clean: true },
    'and all of it comes',
  );

  const up = await exchange({ method: 'POST', body: 'later', fields: [['Content-Length', `${size}`]] });
  up.server.socket.pause();
  const head = up.server.received().length;
  const taken = await sendUntilStalled(up.asking.send, up.asking.unsent);
  t.ok(taken < size * 0.75, `and an upload after ${Math.round(taken / mebibyte)} MiB`);
  up.server.socket.resume();
  await sendAll(up.asking.send, up.asking.unsent, size - taken - up.asking.unsent());
  up.asking.end();
  await until(() => up.server.received().length === head + size, 'all of it comes', 20_000);
  up.server.send(okAnswer);
  t.match(await up.asking.done(), { status: 200, clean: true });
};

/** Sends what is left of a body, as it is taken. */
async function sendAll(send: (bytes: string) => void, unsent: () => number, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; left -= piece.length) {
    await until(() => unsent() < 16 * piece.length, 'it is taken');
    send(left < piece.length ? piece.slice(0, left) : piece);
  }
}

/** Whether a request after this answer comes over the same connection to the upstream. */
async function isUsedAgain(
  { answered, open, speaker }: World,
  ask: Ask,
  bytes: string,
  then?: (server: Peer) => unknown,
): Promise<boolean> {
  const { server } = await answered(ask, bytes, then);
  const before = speaker.connections();
  const connection = await open();
  const next = connection.ask({ path: '/probe' });
  await until(
    () => server.received().includes('/probe') || speaker.connections() > before,
    'the next request',
  );
  const again = speaker.connections() === before;
  (again ? server : await speaker.next()).send(okAnswer);
  await next.done();
  connection.destroy();
  return again;
}

const reuse: Run = async (t, world) => {
  for (const [name, again, bytes, ask = {}, then] of [
    ['Content-Length', true, okAnswer],
    ['chunks', true, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n'],
    ['204', true, 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['HEAD', true, 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n', { method: 'HEAD' }],
    ['103 before it', true, `HTTP/1.1 103 Early Hints\r\n\r\n${okAnswer}`],
    ['close', false, 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'],
    ['HTTP/1.0', false, 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['a body that lasts until the close', false, 'HTTP/1.1 200 OK\r\n\r\nok', {}, fin],
    ['a body for HEAD', false, okAnswer, { method: 'HEAD' }],
  ] as readonly [string, boolean, string, Ask?, ((server: Peer) => unknown)?][])
    t.equal(await isUsedAgain(world, ask, bytes, then), again, `${name}: ${again ? 'again' : 'never again'}`);

  const { exchange } = world;
  const left = await exchange();
  left.server.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart');
  await left.asking.gets('part');
  left.asking.leave();
  await left.server.ends();
  const early = await exchange({ method: 'POST', body: 'later', fields: [['Content-Length', '9']] });
  early.asking.send('four');
  await early.server.gets(/four/);
  early.server.send('HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno');
  await early.asking.gets('no');
  await early.server.ends();
  t.pass('nor that of a client that left, or was answered while it sent');
};

/** A request that meets a connection which ends as it comes: what the client got, and whether it was sent once more. */
async function onStale(world: World, ask: Ask, end: (server: Peer) => unknown) {
  const { answered, open, speaker } = world;
  const { server } = await answered({ path: '/warm' }, okAnswer);
  const connection = await open();
  const asking = connection.ask({ path: '/stale', ...ask });
  await until(() => server.received().includes('/stale'), 'it comes over the kept connection');
  const before = speaker.connections();
  let answer: Answered | undefined;
  void asking.done().then((one) => (answer = one));
  end(server);
  await until(() => answer !== undefined || speaker.connections() > before, 'an answer, or another try');
  const replayed = speaker.connections() > before;
  if (replayed) (await speaker.next()).send(okAnswer);
  const { status } = await until(() => answer, 'an answer');
  connection.destroy();
  return { status, replayed };
}

const replay: Run = async (t, world) => {
  for (const [method, end] of [
    ['GET', fin],
    ['GET', rst],
    ['DELETE', fin],
  ] as const)
    t.same(await onStale(world, { method }, end), { status: 200, replayed: true }, method);
  const sized: Field[] = [['Content-Length', '4']];
  t.same(
    await onStale(world, { method: 'PUT', body: 'body', fields: sized }, fin),
    { status: 502, replayed: false },
    'never with a body',
  );
  t.same(
    await onStale(world, {}, ({ socket }) => socket.end('H')),
    { status: 502, replayed: false },
    'nor after a byte of an answer',
  );
};

export const life = [
  each(
    58,
    'A client that leaves cancels its exchange, at any point',
    leaves,
    inOrder(leaves, leavesByFrames),
  ),
  both(59, 'Each side is read no faster than the other takes it', heldBack),
  both(60, 'A connection is used again only when its exchange ended cleanly', reuse),
  both(
    61,
    'One replay, of a bodyless idempotent request on a kept connection that died in silence, within a budget',
    replay,
  ),
];
