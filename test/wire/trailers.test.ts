import t from 'tap';
import { sendRaw, until } from '../support/client.ts';
import {
  asks,
  headOf,
  okAnswer,
  startBefore,
  startReplier,
  startSteered,
  unchunk,
  type Peer,
} from '../support/peers.ts';

const upstream = await startReplier(t);
const proxy = await startBefore(t, upstream.url);
const { open } = await startSteered(t);

const chunked = (trailers: string) =>
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${trailers}\r\n`;

/** The body of an answer, as a client gets it. */
async function answered(bytes: string, version = '1.1'): Promise<string> {
  upstream.reply = () => bytes;
  const close = version === '1.1' ? ['Connection: close'] : [];
  return headOf(await sendRaw(proxy.port, asks(`GET /fact/ HTTP/${version}`, ...close), false)).rest;
}

/** Uploads a body with `fields` in its head: the upstream's end of it, answered, and what the client got. */
async function uploaded(fields: string[], body: string, whole: RegExp): Promise<[Peer, string]> {
  const { client, server } = await open(asks('POST /fact/ HTTP/1.1', 'Connection: close', ...fields) + body);
  await server.gets(whole);
  server.send(okAnswer);
  await client.ends();
  return [server, client.received()];
}

const forbidden = [
  'Content-Length: 9',
  'content-length: 0',
  'Transfer-Encoding: chunked',
  'Host: evil.example',
  'Set-Cookie: a=evil',
  'X-Api-Version: evil',
  'Content-Type: text/evil',
  'Content-Encoding: evil',
  'Content-Range: bytes 0-1/2',
  'Trailer: evil',
  'Connection: evil',
  'Cache-Control: evil',
]
  .map((field) => `${field}\r\n`)
  .join('');

await t.test('48 Trailers of an answer reach the client, announced or not', async (t) => {
  const trailers = 'X-Sum: 42\r\nServer-Timing: db;dur=5\r\nx-sum: 43\r\n';
  for (const announced of [`Trailer: X-Sum, Server-Timing\r\n`, '']) {
    const bytes = chunked(trailers).replace('\r\n\r\n', `\r\n${announced}\r\n`);
    t.same(unchunk(await answered(bytes)), {
      data: 'ok',
      trailers: ['X-Sum: 42', 'Server-Timing: db;dur=5', 'x-sum: 43'],
      rest: '',
    });
  }
  t.equal(await answered(chunked(trailers), '1.0'), 'ok', 'HTTP/1.0 has none');
});

// Code that merges trailers into the headers would take a length, a cookie or a version from after the body, past
// everyone who looked at the head.
await t.test(
  '48 What frames, routes or describes a message is dropped from the trailers of an answer',
  async (t) => {
    const body = unchunk(await answered(chunked(`X-A: 1\r\n${forbidden}X-B: 2\r\n`)));
    t.same(body, { data: 'ok', trailers: ['X-A: 1', 'X-B: 2'], rest: '' });
  },
);

await t.test(
  '48 Trailers of an upload reach the upstream after the last chunk, announced or not',
  async (t) => {
    for (const announced of [['Trailer: X-Sum'], []]) {
      const body = '4\r\nbody\r\n0\r\nX-Sum: 42\r\nx-sum: 43\r\nGrpc-Status: 0\r\n\r\n';
      const [server] = await uploaded(
        ['Transfer-Encoding: chunked', ...announced],
        body,
        /\r\n0\r\n[^]*\r\n\r\n$/,
      );
      t.same(unchunk(headOf(server.received()).rest), {
        data: 'body',
        trailers: ['X-Sum: 42', 'x-sum: 43', 'Grpc-Status: 0'],
        rest: '',
      });
    }
  },
);

await t.test(
  '48 What frames, routes or describes a message is dropped from those of an upload',
  async (t) => {
    const forwarding = 'X-Forwarded-For: 6.6.6.6\r\nVia: evil\r\nAuthorization: evil\r\nExpect: evil\r\n';
    const others = forbidden.replaceAll(/^(content-length|transfer-encoding):.*\r\n/gim, '');
    const body = `4\r\nbody\r\n0\r\nX-A: 1\r\n${others}${forwarding}X-B: 2\r\n\r\n`;
    const [server] = await uploaded(['Transfer-Encoding: chunked'], body, /\r\n0\r\n[^]*\r\n\r\n$/);
    const seen = unchunk(headOf(server.received()).rest);
    t.notMatch(seen?.trailers.join('\n'), /evil|length|transfer|6\.6\.6\.6|range/i);
    t.same([seen?.data, seen?.rest], ['body', '']);
    for (const kept of ['X-A: 1', 'X-B: 2']) t.ok(seen?.trailers.includes(kept), kept);
  },
);

await t.test('48 An upload whose trailers hold framing never completes with them', async (t) => {
  for (const framing of ['Content-Length: 9', 'Transfer-Encoding: chunked']) {
    const head = asks('POST /fact/ HTTP/1.1', 'Connection: close', 'Transfer-Encoding: chunked');
    const { client, server } = await open(`${head}4\r\nbody\r\n`);
    await server.gets(/body/);
    client.send(`0\r\n${framing}\r\n\r\n`);
    await until(() => server.socket.destroyed || server.received().includes('\r\n0\r\n'), 'cut or completed');
    t.notMatch(headOf(server.received()).rest, /length|transfer/i, framing);
    client.socket.destroy();
  }
});

await t.test('48 A trailer that is no header never makes a clean end', async (t) => {
  for (const bad of [
    'no colon\r\n',
    'bad name: 1\r\n',
    'X-A : 1\r\n',
    'X-A: 1\n\r\n',
    'X-A: a\0b\r\n',
    'X-A: 1\r\n folded\r\n',
  ])
    t.equal(unchunk(await answered(chunked(bad))), undefined, JSON.stringify(bad));
});

// http-proxy 1.18.1 passed Trailer on beside a Content-Length, which ended the process.
await t.test('48 A Trailer header without a chunked body does no harm', async (t) => {
  t.equal(await answered('HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nContent-Length: 2\r\n\r\nok'), 'ok');
  const [server, received] = await uploaded(['Trailer: X-Sum', 'Content-Length: 4'], 'body', /body$/);
  t.notMatch(headOf(server.received()).fields.join('\n'), /^trailer:/im);
  t.match(received, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/);
  const bodiless = await open(asks('GET /fact/ HTTP/1.1', 'Trailer: X-Sum'));
  bodiless.server.send(okAnswer);
  await bodiless.client.gets(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/);
});
