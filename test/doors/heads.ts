import { until } from '../support/client.ts';
import { data, headers, speakFrames, type Field } from '../support/frames.ts';
import { converse, ok, startRecorder, statusOf } from '../support/wire.ts';
import {
  both,
  each,
  good,
  inOrder,
  refusesBytes,
  refusesFields,
  servesOn,
  withFields,
  withPseudo,
  type Run,
} from './behaviour.ts';
import { valuesOf } from './door.ts';

/** Framing of requests, as far as something is served: 17 to 23. */
const line = 'GET /fact/ HTTP/1.1\r\nHost: a\r\n';
const kibibyte = 1024;

const bodies: Run = async (t, { asked }) => {
  const body = 'GET /smuggled HTTP/1.1\r\n\r\n';
  const counted: Field = ['Content-Length', `${body.length}`];
  for (const method of ['DELETE', 'OPTIONS', 'GET', 'POST']) {
    const { message: open } = await asked({ method, path: '/fact/', body });
    t.same(
      [open.startLine, open.values('transfer-encoding'), open.values('content-length'), open.body],
      [`${method} /fact/ HTTP/1.1`, ['chunked'], [], body],
      `${method}, without a length`,
    );
    const { message: sized } = await asked({ method, path: '/fact/', body, fields: [counted] });
    t.same(
      [sized.values('transfer-encoding'), sized.values('content-length'), sized.body],
      [[], [counted[1]], body],
      `${method}, with a length`,
    );
    const { message: empty } = await asked({
      method,
      path: '/fact/',
      body: '',
      fields: [['Content-Length', '0']],
    });
    t.same(
      [empty.values('transfer-encoding'), empty.values('content-length')],
      [[], ['0']],
      `${method}, of 0`,
    );
    // Node's client speaks of a body that a POST has not.
    if (method === 'POST') continue;
    const { message: none } = await asked({ method, path: '/fact/' });
    t.same(
      [none.values('transfer-encoding'), none.values('content-length')],
      [[], []],
      `${method}, without one`,
    );
  }
};

/** As many fields, numbered, of so many bytes in all. */
const numbered = (count: number, value = '') =>
  Array.from({ length: count }, (_, i): Field => [`x-${String(i).padStart(4, '0')}`, value]);
const lines = (fields: readonly Field[]) => fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');

/** A head just within the limits arrives with all that it has. */
const arrives =
  (fields: readonly Field[]): Run =>
  async (t, { asked }) => {
    const { message } = await asked({ path: '/fact/', fields });
    for (const [name, value] of fields)
      if (message.values(name).join() !== value) t.fail(`${name} is not as it was sent`);
    t.pass(`${fields.length} fields of ${lines(fields).length} bytes`);
  };

const hiddenLength = (many: number) =>
  `POST /fact/ HTTP/1.1\r\nHost: a\r\n${'a:\r\n'.repeat(many)}Content-Length: 9\r\n\r\nGET /admin`;

const targets: Run = async (t, { asked }) => {
  for (const path of [`/${'a'.repeat(8 * kibibyte - 1)}`, `/?${'a'.repeat(8 * kibibyte - 2)}`]) {
    const { message } = await asked({ path });
    t.equal(message.startLine, `GET ${path} HTTP/1.1`, 'one of 8 KiB arrives');
  }
};
const long = `/${'a'.repeat(8 * kibibyte)}`;

/** An upstream that answers `/slow` late, and all with what it was asked. */
const pipelined: Run = async (t, { door, start }) => {
  const upstream = await startRecorder(t, (message, socket) => {
    const [, target = ''] = message.startLine.split(' ');
    if (target !== '/slow') return ok(`<${target} ${message.body}>`);
    setTimeout(() => socket.write(ok('<slow>')), 100);
  });
  const { port } = await start(
    t,
    `upstreams: { api: { url: "${upstream.url}" } }\nroutes: [{ name: all, upstream: api }]\n`,
  );
  if (!door.http2) {
    const host = 'HTTP/1.1\r\nHost: a\r\n';
    const requests = [
      `POST /slow ${host}Content-Length: 3\r\n\r\none`,
      `GET /2 ${host}\r\n`,
      `POST /3 ${host}Transfer-Encoding: chunked\r\n\r\n3\r\nthr\r\n2\r\nee\r\n0\r\n\r\n`,
      `GET /4 ${host}Connection: close\r\n\r\n`,
    ].join('');
    const { answers } = await converse(() => door.connect(port), requests);
    t.same(
      answers.map(({ body }) => body),
      ['<slow>', '</2 >', '</3 three>', '</4 >'],
    );
    return;
  }
  // Requests of HTTP/2 do not wait for each other, and each gets its own answer.
  const connection = await door.open(port);
  t.teardown(() => connection.destroy());
  const asking = ['/slow', '/2', '/3', '/4'].map((path) =>
    connection.ask({ method: 'POST', path, body: path.slice(1) }),
  );
  const done: string[] = [];
  for (const one of asking) void one.done().then(({ body }) => done.push(body));
  await until(() => done.length === 4, 'all answers');
  t.equal(done.at(-1), '<slow>', 'none waits for the slow one');
  t.same(done.toSorted(), ['</2 2>', '</3 3>', '</4 4>', '<slow>']);
};

const fragments: Run = async (t, { door, recorded: { port, upstream } }) => {
  const before = upstream.messages.length;
  const socket = await door.connect(port);
  if (door.http2) {
    const fields = good('/fact/', [['x-a', 'a'.repeat(100)]], 'POST');
    const client = speakFrames(socket);
    // Once the settings have been agreed on, nothing of ours comes between the bytes.
    await servesOn(t, client, 1, 'before it');
    client.silent = true;
    for (const byte of Buffer.concat([headers(3, fields, false), data(3, 'good')])) {
      socket.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    client.silent = false;
    t.match(await client.over(3), { status: 200, data: 'ok', ended: true }, 'in as many pieces as bytes');
    client.send(headers(5, fields, false, 40), data(5, 'go', false), data(5, '', false), data(5, 'od'));
    t.match(await client.over(5), { status: 200, data: 'ok', ended: true }, 'in several frames');
    socket.destroy();
  } else {
    const bytes = `POST /fact/ HTTP/1.1\r\nHost: a\r\nX-A: ${'a'.repeat(100)}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n`;
    const { answers } = await converse(async () => socket, bytes.split(''));
    t.same(answers.map(statusOf), [200]);
  }
  const messages = upstream.messages.slice(door.http2 ? before + 1 : before);
  t.equal(messages.length, door.http2 ? 2 : 1);
  for (const message of messages)
    t.same(
      [message.startLine, message.values('x-a'), message.body],
      ['POST /fact/ HTTP/1.1', ['a'.repeat(100)], 'good'],
    );
};

const earlyError: Run = async (t, { door, open, speaker, start }) => {
  const { port } = await start(
    t,
    `upstreams: { api: { url: "${speaker.url}" } }\nroutes: [{ name: api, match: { path: /api/ }, upstream: api }]\n`,
  );
  const before = speaker.connections();
  for (const fields of [[['Content-Length', '67108864']], []] as readonly (readonly Field[])[]) {
    const connection = await open(port);
    const asking = connection.ask({ method: 'POST', path: '/nowhere', fields, body: 'later' });
    if (!door.http2) asking.pause();
    for (let i = 0; i < 64; i += 1) asking.send('GET /api/smuggled HTTP/1.1\r\n\r\n'.repeat(2000));
    // With HTTP/2 nobody sends more of a body than the other side takes.
    if (!door.http2) await until(() => asking.unsent() === 0, 'the upload is taken');
    asking.resume();
    const { status, body, fields: said, clean } = await asking.done();
    t.match({ status, clean }, { status: 404, clean: true });
    t.same(valuesOf(said, 'content-type'), ['application/problem+json']);
    t.match(JSON.parse(body), { status: 404 }, 'whole');
    if (door.http2) {
      const next = await connection.ask({ path: '/nowhere' }).done();
      t.match(next, { status: 404, clean: true }, 'the other streams of the connection go on');
    } else {
      t.same(valuesOf(said, 'connection'), ['close']);
      await connection.ended();
    }
  }
  t.equal(speaker.connections(), before, 'nothing of a body reached the upstream');
};

export const heads = [
  both(17, 'DELETE, OPTIONS and GET keep the framing of their bodies, or their lack of one', bodies),
  each(
    18,
    '`limits.headerBytes`: 431 beyond, never truncation',
    inOrder(
      arrives([['x-last', 'a'.repeat(15 * kibibyte)]]),
      refusesBytes(431, [
        `${line}X-A: ${'a'.repeat(16 * kibibyte)}\r\n\r\n`,
        `${line}${lines(numbered(90, 'a'.repeat(200)))}\r\n`,
        `${line}X-A: ${'a'.repeat(kibibyte * kibibyte)}\r\n\r\n`,
      ]),
    ),
    inOrder(
      arrives([['x-last', 'a'.repeat(15 * kibibyte)]]),
      refusesFields(431, [
        withFields(['x-a', 'a'.repeat(16 * kibibyte)]),
        withFields(...numbered(90, 'a'.repeat(200))),
        withFields(['x-a', 'a'.repeat(200 * kibibyte)]),
      ]),
    ),
  ),
  each(
    19,
    '`limits.headerCount`: 431 beyond, never truncation',
    inOrder(
      arrives(numbered(90)),
      refusesBytes(431, [`${line}${lines(numbered(100))}\r\n`, ...[200, 1000, 2000, 2500].map(hiddenLength)]),
    ),
    inOrder(
      arrives(numbered(90)),
      refusesFields(
        431,
        [100, 200, 1000, 2000].map((many) =>
          withFields(...Array.from({ length: many }, (): Field => ['a', '']), ['x-last', '1']),
        ),
      ),
    ),
  ),
  each(
    20,
    '`limits.uriBytes`: 414 beyond',
    inOrder(targets, refusesBytes(414, [line.replace('/fact/', long) + '\r\n'])),
    inOrder(targets, refusesFields(414, [withPseudo(':path', long)])),
  ),
  both(21, 'Pipelined requests are answered in order, one at a time', pipelined),
  both(22, 'A request in any number of pieces is one request', fragments),
  both(23, 'An early error closes; the client gets it whole even while it is sending', earlyError),
];
