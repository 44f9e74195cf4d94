import type { Field } from '../support/frames.ts';
import { headOf, okAnswer, unchunk } from '../support/peers.ts';
import { both, type Run } from './behaviour.ts';
import { valuesOf } from './door.ts';

/** What passes as it comes: 48 to 50, and 56. */
const alice: Field = ['Cookie', 'uid=alice'];

const forbidden = [
  'Content-Length: 9',
  'Transfer-Encoding: chunked',
  'Host: evil',
  'Set-Cookie: evil',
  'X-Api-Version: evil',
];

const trailers: Run = async (t, { door, answered, exchange }) => {
  const lines = ['X-Sum: 42', ...forbidden, 'x-sum: 43', 'Server-Timing: db;dur=5'].join('\r\n');
  for (const announced of ['Trailer: X-Sum\r\n', '']) {
    const bytes = `HTTP/1.1 200 OK\r\n${announced}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${lines}\r\n\r\n`;
    const { answer } = await answered({ path: '/fact/', fields: [alice] }, bytes);
    t.match(answer, { status: 200, body: 'ok', clean: true });
    t.same(
      answer.trailers.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
      [
        ['server-timing', 'db;dur=5'],
        ['x-sum', '42'],
        ['x-sum', '43'],
      ],
      'of an answer',
    );
  }
  for (const fields of [[['Trailer', 'X-Sum']], []] as readonly Field[][]) {
    const { asking, server } = await exchange({ method: 'POST', path: '/fact/', body: 'later', fields });
    asking.send('body');
    asking.end([
      ['x-sum', '42'],
      ['grpc-status', '0'],
      ['authorization', 'evil'],
      ['x-forwarded-for', '6.6.6.6'],
    ]);
    await server.gets(/\r\n0\r\n[^]*\r\n\r\n$/);
    const seen = unchunk(headOf(server.received()).rest);
    t.same(
      [seen?.data, seen?.trailers.map((line) => line.toLowerCase()), seen?.rest],
      ['body', ['x-sum: 42', 'grpc-status: 0'], ''],
      'of a request',
    );
    server.send(okAnswer);
    t.match(await asking.done(), { status: 200 }, door.name);
  }
};

const headsFirst: Run = async (t, { exchange }) => {
  for (const [framing, body] of [
    ['Content-Length: 4', 'body'],
    ['Transfer-Encoding: chunked', '4\r\nbody\r\n0\r\n\r\n'],
    ['Connection: close', 'body'],
  ] as const) {
    const { asking, server } = await exchange();
    server.send(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`);
    t.match(await asking.head(), { status: 200 }, `${framing}: before a byte of the body exists`);
    server.send(body);
    if (framing.startsWith('Conn')) server.socket.end();
    t.match(await asking.done(), { body: 'body', clean: true });
  }
  for (const fields of [[['Content-Length', '4']], []] as readonly Field[][]) {
    const { asking, server } = await exchange({ method: 'POST', body: 'later', fields });
    t.match(server.received(), /^POST [^]*\r\n\r\n$/, 'and that of an upload');
    asking.send('body');
    await server.gets(/\r\n\r\n(4\r\n)?body/);
    asking.leave();
  }
};

const atOnce: Run = async (t, { exchange }) => {
  const { asking, server } = await exchange({ path: '/fact/', fields: [['Accept', 'text/event-stream']] });
  server.send('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
  for (let i = 0; i < 10; i += 1) {
    server.send(`9\r\ndata: ${i}\n\n\r\n`);
    await asking.gets(`data: ${i}\n\n`);
  }
  server.send('a\r\nfirst');
  await asking.gets('first');
  server.send(' half\r\n0\r\n\r\n');
  t.match(await asking.done(), { body: /first half$/, clean: true }, 'a part of a chunk, too');
};

const early: Run = async (t, { door, exchange }) => {
  for (const fields of [[['Content-Length', '1000000']], []] as readonly Field[][]) {
    const { asking, server } = await exchange({ method: 'POST', path: '/fact/', body: 'later', fields });
    asking.send('a beginning');
    await server.gets(/a beginning/);
    server.send('HTTP/1.1 413 Content Too Large\r\nX-Why: size\r\nContent-Length: 8\r\n\r\ntoo much');
    const answer = await asking.done();
    t.match(answer, { status: 413, body: 'too much', clean: true });
    t.same(valuesOf(answer.fields, 'x-why'), ['size']);
  }
  // One that begins in the midst of an upload does not end it.
  const { asking, server } = await exchange({ method: 'POST', path: '/fact/', body: 'later' });
  server.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
  for (const word of ['ping', 'pong']) {
    asking.send(word);
    await server.gets(new RegExp(`4\\r\\n${word}\\r\\n$`));
    server.send(`6\r\n<${word}>\r\n`);
    await asking.gets(`<${word}>`);
  }
  asking.end();
  await server.gets(/\r\n0\r\n\r\n$/);
  server.send('0\r\n\r\n');
  t.match(await asking.done(), { status: 200, body: '<ping><pong>', clean: true }, door.name);
};

export const flow = [
  both(
    48,
    'Trailers pass both ways, announced or not, but for those that would frame or describe the message',
    trailers,
  ),
  both(49, 'Heads go out before bodies, both ways', headsFirst),
  both(50, 'What an upstream writes reaches the client at once', atOnce),
  both(56, 'An answer in the midst of an upload is relayed', early),
];
