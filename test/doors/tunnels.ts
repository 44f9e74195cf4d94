import { createHash } from 'node:crypto';
import { until } from '../support/client.ts';
import type { Field } from '../support/frames.ts';
import { okAnswer, type Peer } from '../support/peers.ts';
import { converse, statusOf } from '../support/wire.ts';
import {
  both,
  dropsFields,
  each,
  good,
  inOrder,
  refusesBytes,
  refusesFields,
  withBody,
  withFields,
  type Run,
} from './behaviour.ts';
import { valuesOf } from './door.ts';
import type { World } from './world.ts';

/** Life of tunnels, and of what only looks like one: 62 to 69. */
const first = 'HTTP/1.1 101 Switching Protocols\r\n';

/** The head with which an upstream agrees (RFC 6455 §4.2.2). */
function agreement({ received }: Peer): string {
  const [, key = ''] = /sec-websocket-key: (.*)\r\n/i.exec(received()) ?? [];
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  return `${first}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

/** A tunnel that is open at both ends. */
async function openTunnel({ exchange }: World) {
  const ends = await exchange({ path: '/tunnel', webSocket: true });
  ends.server.send(agreement(ends.server));
  await ends.asking.head();
  if (!ends.asking.isOpen()) throw new Error('no tunnel');
  return ends;
}

const protocolMatches: Run = async (t, world) => {
  const { answered } = world;
  for (const [name, head] of Object.entries({
    'another protocol': 'Upgrade: other\r\nConnection: Upgrade\r\n\r\n',
    'two protocols': 'Upgrade: websocket, other\r\nConnection: Upgrade\r\n\r\n',
    'no protocol': 'Connection: Upgrade\r\n\r\n',
    'no Connection': 'Upgrade: websocket\r\n\r\n',
    'a body': 'Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 4\r\n\r\nbody',
  })) {
    const { answer, asking, server } = await answered({ webSocket: true }, `${first}${head}surprise`);
    t.match(answer, { status: 502, body: /:bad-response"(?![^]*surprise)/ }, name);
    t.notOk(asking.isOpen());
    await server.ends();
  }
  const { asking } = await openTunnel(world);
  t.ok(asking.isOpen(), 'the one that was asked for opens');
  asking.leave();
};

const noUpgrade: Run = async (t, { door, recorded: { port, upstream } }) => {
  for (const [version, lines] of [
    ['1.1', 'Upgrade: websocket\r\n'],
    ['1.1', 'Upgrade: websocket\r\nConnection: keep-alive\r\n'],
    ['1.1', 'Connection: Upgrade\r\n'],
    ['1.0', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'],
  ] as const) {
    const bytes = `GET / HTTP/${version}\r\nHost: a\r\n${lines}\r\n`;
    const close = version === '1.0' ? '' : 'GET /again HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    const { answers } = await converse(() => door.connect(port), bytes + close);
    t.same(answers.map(statusOf), close === '' ? [200] : [200, 200], lines);
    const [seen] = upstream.messages.slice(close === '' ? -1 : -2);
    t.same(seen?.values('upgrade'), []);
    t.notMatch(seen?.values('connection').join(), /upgrade/i);
  }
};

const passedOver: Run = async (t, { door, recorded: { port, upstream } }) => {
  const wish =
    'Connection: Upgrade, HTTP2-Settings, X-Hop, close\r\nX-Hop: 1\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';
  for (const [method, framing, body] of [
    ['GET', '\r\n', ''],
    ['POST', 'Content-Length: 4\r\n\r\nbody', 'body'],
    ['PUT', 'Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n', 'body'],
  ] as const) {
    const bytes = `${method} /fact/ HTTP/1.1\r\nHost: a\r\n${wish}${framing}`;
    const { answers } = await converse(() => door.connect(port), bytes);
    t.same(answers.map(statusOf), [200], method);
    const seen = upstream.messages.at(-1);
    t.same([seen?.startLine, seen?.body], [`${method} /fact/ HTTP/1.1`, body]);
    for (const name of ['upgrade', 'http2-settings', 'x-hop']) t.same(seen?.values(name), []);
  }
};

/** An extended CONNECT (RFC 8441 §4). */
const extended = (protocol: string, ...more: Field[]) => ({
  fields: [
    ...good('/fact/', [], 'CONNECT'),
    [':protocol', protocol],
    ['sec-websocket-version', '13'],
    ...more,
  ] as Field[],
});

const refused: Run = async (t, { answered, door }) => {
  for (const [status, framing, ends] of [
    ['401 Who', 'WWW-Authenticate: Bearer\r\nContent-Length: 9\r\n\r\nnot today', false],
    ['426 Upgrade', 'Transfer-Encoding: chunked\r\n\r\n4\r\nnot \r\n5\r\ntoday\r\n0\r\n\r\n', false],
    ['403 No', '\r\nnot today', true],
  ] as const) {
    const { answer, asking, connection } = await answered(
      { path: '/fact/', webSocket: true, fields: [['Cookie', 'uid=bob']] },
      `HTTP/1.1 ${status}\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n${framing}`,
      ({ socket }) => ends && socket.end(),
    );
    t.match(answer, { status: Number.parseInt(status, 10), body: 'not today', clean: true });
    t.same(
      ['set-cookie', 'x-api-version'].map((name) => valuesOf(answer.fields, name)),
      [['a=1', 'b=2'], ['1']],
    );
    t.notOk(asking.isOpen());
    if (!door.http2) await connection.ended();
  }
};

const earlyBytes: Run = async (t, { exchange }) => {
  const many = 'early '.repeat(20_000);
  const { asking, server } = await exchange({ path: '/tunnel', webSocket: true });
  asking.send(many);
  server.send(`${agreement(server)}welcome \xff\0`);
  await asking.gets('welcome \xff\0');
  asking.send('and late');
  await until(() => server.received().endsWith(`\r\n\r\n${many}and late`), 'those of the client, in order');
  t.equal(asking.body(), 'welcome \xff\0', 'and those of the upstream');
  asking.leave();

  // Before the tunnel is open they would be read as the next request.
  const no = await exchange({ path: '/tunnel', webSocket: true });
  no.asking.send('GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n');
  await new Promise((resolve) => setTimeout(resolve, 50));
  no.server.send('HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno');
  t.match(await no.asking.head(), { status: 403 });
  await no.asking.gets('no');
  t.notMatch(no.server.received(), 'smuggled', 'those of a tunnel that is refused go nowhere');
  no.asking.leave();
};

const halfClosed: Run = async (t, world) => {
  const one = await openTunnel(world);
  // A peer of these tests answers an end with its own; here it has more to say.
  one.server.socket.removeAllListeners('end');
  let ended = false;
  one.server.socket.on('end', () => (ended = true));
  one.asking.send('last words');
  one.asking.end();
  await until(() => ended, 'the end of the client arrives');
  t.match(one.server.received(), /last words$/);
  one.server.send('still here');
  await one.asking.gets('still here');
  one.server.socket.end();
  t.match(await one.asking.done(), { body: 'still here', clean: true });

  const two = await openTunnel(world);
  two.server.send('last words');
  two.server.socket.end();
  await two.asking.gets('last words');
  two.asking.send('still here');
  await two.server.gets(/still here$/);
  two.asking.end();
  await two.server.ends();
  t.match(await two.asking.done(), { body: 'last words', clean: true }, 'and the other way round');
};

const death: Run = async (t, world) => {
  const flood = 'x'.repeat(8 * 1024 * 1024);
  const one = await openTunnel(world);
  one.asking.leave();
  await one.server.ends(1000);
  const two = await openTunnel(world);
  two.server.socket.resetAndDestroy();
  await two.asking.done();
  // Who waits for the other to read must hear, too, that it never will.
  const three = await openTunnel(world);
  three.asking.pause();
  three.server.send(flood);
  await until(() => three.server.socket.writableLength > 0, 'it is stalled');
  three.asking.leave();
  await three.server.ends(1000);
  const four = await openTunnel(world);
  four.server.socket.pause();
  four.asking.send(flood);
  await until(() => four.asking.unsent() > 0, 'it is stalled');
  four.server.socket.resetAndDestroy();
  await four.asking.done();
  const five = await openTunnel(world);
  five.connection.destroy();
  await five.server.ends(1000);
  const { answer } = await world.answered({}, okAnswer);
  t.match(answer, { status: 200 }, 'and others are served');
};

const webSocketWith = (framing: string) =>
  `GET /fact/ HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${framing}`;

export const tunnels = [
  both(62, 'A 101 must name the protocol that was asked for: else 502', protocolMatches),
  each(
    63,
    '`Upgrade` without `Connection: Upgrade` is no upgrade',
    noUpgrade,
    // HTTP/2 has no Upgrade at all (RFC 9113 §8.6), and a CONNECT without `:protocol` asks for something else.
    refusesFields(
      [400, 501],
      [
        withFields(['upgrade', 'websocket']),
        withFields([':protocol', 'websocket']),
        { fields: good('/fact/', [], 'CONNECT') },
      ],
    ),
  ),
  each(
    64,
    'A wish for h2c, or anything but WebSocket, is passed over and the request served, body and all',
    passedOver,
    // Nobody can wish for HTTP/2 in HTTP/2, and what CONNECT asks for cannot be passed over.
    inOrder(
      refusesFields(501, [extended('h2c'), extended('connect-udp'), extended('other')]),
      dropsFields([withBody(withFields(['http2-settings', 'AAMAAABk']), 'body')]),
    ),
  ),
  both(65, 'A refused WebSocket gets the refusal, status, headers and body', refused),
  both(66, 'Early bytes on either side of a 101 arrive', earlyBytes),
  both(67, 'In a tunnel each way ends by itself; outside, a client that ends its side has left', halfClosed),
  both(68, "Either side's death is the other's", death),
  each(
    69,
    'A WebSocket request with a body: refused, 400',
    refusesBytes(400, [
      webSocketWith('Content-Length: 4\r\n\r\nbody'),
      webSocketWith('Content-Length: 4\r\n\r\n'),
      webSocketWith('Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n'),
    ]),
    // What follows is the tunnel's, without an end of its own.
    refusesFields(400, [extended('websocket', ['content-length', '4'])]),
  ),
];
