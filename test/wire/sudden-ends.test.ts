import t from 'tap';
import { randomInt } from 'node:crypto';
import http from 'node:http';
import net from 'node:net';
import { once } from 'node:events';
import { readAnswer, request, until } from '../support/client.ts';
import { plain, switching, upgrade } from '../support/dialogue.ts';
import { startProxy } from '../support/proxy.ts';
import { startRawUpstream, startUpstream } from '../support/upstream.ts';

const body = 'raccoon facts';
const answers = {
  chunked:
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n' +
    '7\r\nraccoon\r\n6;ext=1\r\n facts\r\n0\r\nX-Sum: 13\r\n\r\n',
  sized: `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nX-Api: 1\r\n\r\n${body}`,
};

// The one promise that lets a client trust what it got: an answer that ends cleanly is whole.
await t.test('An upstream that dies at any byte of its answer never passes for one that ended', async (t) => {
  const upstream = await startRawUpstream(t, (socket, received) => {
    socket.on('end', () => socket.destroy());
    socket.once('data', () => {
      const [, framing, way, length] = /^GET \/(\w+)\/(\w+)\/(\d+) /.exec(received()) ?? [];
      const bytes = answers[framing as keyof typeof answers].slice(0, Number(length));
      if (way === 'fin') socket.end(bytes);
      else if (bytes === '') socket.resetAndDestroy();
      else socket.write(bytes, () => socket.resetAndDestroy());
    });
  });
  const proxy = await startProxy(t, plain(upstream.url));
  const ask = async (path: string) => {
    const req = http.get({ host: '127.0.0.1', port: proxy.port, path, agent: false });
    try {
      const [res] = (await once(req, 'response')) as [http.IncomingMessage];
      return await readAnswer(res);
    } catch {
      return { status: 0, body: '', cut: true };
    }
  };

  for (const [framing, answer] of Object.entries(answers))
    for (const way of ['fin', 'rst'])
      await t.test(`${framing}, ${way}`, async (t) => {
        const lengths = Array.from({ length: answer.length + 1 }, (_, length) => length);
        const seen = await Promise.all(lengths.map((length) => ask(`/${framing}/${way}/${length}`)));
        const head = answer.indexOf('\r\n\r\n') + 4;
        // A reset may overtake the bytes before it; an end cannot.
        const wrong = seen.flatMap((one, length) => {
          const whole = one.status === 200 && !one.cut;
          const fits = whole
            ? length === answer.length && one.body === body
            : one.status === 502 || (one.cut && length >= head && body.startsWith(one.body));
          const expected = way === 'rst' || whole === (length === answer.length);
          return fits && expected ? [] : [{ length, status: one.status, cut: one.cut, body: one.body }];
        });
        t.same(wrong, [], `each of ${lengths.length} lengths`);
        const inHead = seen.slice(0, head).map(({ status }) => status);
        t.ok(
          inHead.every((status) => status === 502),
          'within the head it is a 502',
        );
      });
  await until(() => upstream.sockets.size === 0, 'no upstream socket is left');
});

/** Mulberry32: a small generator that a seed sets going. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const upload = 'raccoon '.repeat(100);
const dialogues = [
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n',
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${upload.length}\r\n\r\n${upload}`,
  `PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n320\r\n${upload}\r\n0\r\nX-Sum: 1\r\n\r\n`,
  `POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${upload.length}\r\n\r\n${upload}`,
  'POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nContent-Length: 4\r\n\r\nbody',
  upgrade('/') + upload,
];
const clients = 500;
const answerBytes = 4000;
const seed = randomInt(2 ** 31);

await t.test(
  `${clients} clients that reset at a random point leave nothing behind (seed ${seed})`,
  async (t) => {
    let answering = 0;
    const tunnels = new Set<unknown>();
    const upstream = await startUpstream(t, (_req, res) => {
      answering += 1;
      res.on('close', () => (answering -= 1));
      res.write('x'.repeat(answerBytes / 2));
      setImmediate(() => res.end('y'.repeat(answerBytes / 2)));
    });
    upstream.server.on('upgrade', (_req, socket) => {
      tunnels.add(socket);
      socket.on('error', () => {}).on('close', () => tunnels.delete(socket));
      socket.write(switching + 'x'.repeat(answerBytes));
      socket.pipe(socket);
    });
    const proxy = await startProxy(t, plain(upstream.url));

    const random = createRandom(seed);
    /** Sends as many bytes as it is given, in two parts, or all and then reads; resets when its number is up. */
    const play = async () => {
      const bytes = Buffer.from(dialogues[random(dialogues.length)] ?? '', 'latin1');
      const lasting = random(bytes.length + answerBytes);
      const part = random(Math.min(lasting, bytes.length) + 1);
      const socket = net.connect(proxy.port, '127.0.0.1').on('error', () => {});
      await once(socket, 'connect');
      const gone = once(socket, 'close');
      let left = lasting - bytes.length;
      socket.on('data', (chunk) => (left -= chunk.length) <= 0 && socket.resetAndDestroy());
      socket.write(bytes.subarray(0, part), () =>
        socket.write(bytes.subarray(part, lasting), () => left <= 0 && socket.resetAndDestroy()),
      );
      await gone;
    };
    for (let played = 0; played < clients; played += 25) await Promise.all(Array.from({ length: 25 }, play));

    await until(() => answering === 0 && tunnels.size === 0, 'no exchange and no tunnel is left');
    const connections = () =>
      new Promise<number>((resolve) => upstream.server.getConnections((_error, count) => resolve(count)));
    // The connections that are kept were each in use at once.
    await until(async () => (await connections()) <= 50, 'no more connections than the pool keeps');
    const after = await Promise.all(Array.from({ length: 50 }, () => request(proxy.port, '/after')));
    t.ok(
      after.every(({ status, body, cut }) => status === 200 && body.length === answerBytes && !cut),
      'and it serves',
    );
  },
);
