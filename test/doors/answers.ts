import { until } from '../support/client.ts';
import type { Field } from '../support/frames.ts';
import { headOf, okAnswer } from '../support/peers.ts';
import { hear } from '../support/wire.ts';
import { both, each, shorten, type Run } from './behaviour.ts';
import { valuesOf, type Answered } from './door.ts';
import type { World } from './world.ts';

/** Answers, as far as they come whole: 42 to 47, and 57. */
const alice: Field = ['Cookie', 'uid=alice'];
const chunks = '5\r\nhello\r\n00C;name=value\r\n, dear world\r\n0\r\n\r\n';
const chunked = `HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n${chunks}`;

const informational: Run = async (t, { exchange, answered }) => {
  const { asking, server } = await exchange();
  const heads = [
    'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nlink: </b.js>; rel=preload\r\nX-Kept: 1\r\n\r\n',
    'HTTP/1.1 102 Processing\r\n\r\n',
    'HTTP/1.1 103 Early Hints\r\nConnection: X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=9\r\nLink: <not a link\r\n\r\n',
  ];
  for (const [i, head] of heads.entries()) {
    server.send(head);
    await until(() => asking.informational.length === i + 1, `number ${i + 1}, before the answer exists`);
  }
  server.send(okAnswer);
  const answer = await asking.done();
  t.match(answer, { status: 200, body: 'ok', clean: true });
  t.same(answer.informational, [
    {
      status: 103,
      fields: [
        ['link', '</a.css>; rel=preload'],
        ['link', '</b.js>; rel=preload'],
        ['x-kept', '1'],
      ],
    },
    { status: 102, fields: [] },
    { status: 103, fields: [['link', '<not a link']] },
  ]);
  const { answer: atOnce } = await answered({}, `HTTP/1.1 102 Processing\r\n\r\n${okAnswer}`);
  t.same(
    [atOnce.informational.map(({ status }) => status), atOnce.status],
    [[102], 200],
    'in one packet, too',
  );
};

const unasked: Run = async (t, { answered }) => {
  for (const bytes of [
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nsurprise',
    'HTTP/1.1 101 Switching Protocols\r\n\r\nsurprise',
    `HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\r\n${okAnswer}`,
  ]) {
    const { answer, server } = await answered({ path: '/fact/', fields: [alice] }, bytes);
    isProblem(t, answer, 502, bytes);
    await server.ends();
  }
};

/** One answer of the proxy's own, and nothing of the upstream's. */
export function isProblem(t: Parameters<Run>[0], answer: Answered, status: number, bytes: string): void {
  t.same(
    {
      status: answer.status,
      type: valuesOf(answer.fields, 'content-type'),
      version: valuesOf(answer.fields, 'x-api-version'),
      problem: answer.body.startsWith('{')
        ? (JSON.parse(answer.body) as { status: unknown }).status
        : answer.body,
      clean: answer.clean,
      leaked: /leaked|surprise/.test(JSON.stringify(answer)),
    },
    {
      status,
      type: ['application/problem+json'],
      version: ['0'],
      problem: status,
      clean: true,
      leaked: false,
    },
    shorten(JSON.stringify(bytes)),
  );
}

const headAnswers: Run = async (t, { answered }) => {
  for (const [framing, length] of [
    ['Content-Length: 1234\r\n', ['1234']],
    ['Transfer-Encoding: chunked\r\n', []],
    ['', []],
  ] as const) {
    const { answer } = await answered({ method: 'HEAD' }, `HTTP/1.1 200 OK\r\n${framing}ETag: "r"\r\n\r\n`);
    t.match(answer, { status: 200, body: '', clean: true }, framing);
    t.same([valuesOf(answer.fields, 'content-length'), valuesOf(answer.fields, 'etag')], [length, ['"r"']]);
  }
};

const bodiless: Run = async (t, { answered }) => {
  for (const status of ['204 No Content', '304 Not Modified'])
    for (const framing of ['', 'Content-Length: 1234\r\n', 'Transfer-Encoding: chunked\r\n']) {
      const { answer } = await answered({}, `HTTP/1.1 ${status}\r\nETag: "r"\r\n${framing}\r\n`);
      t.match(
        answer,
        { status: Number.parseInt(status, 10), body: '', clean: true },
        `${status}, ${framing}`,
      );
      t.same(valuesOf(answer.fields, 'transfer-encoding'), []);
      if (status.startsWith('204')) t.notMatch(valuesOf(answer.fields, 'content-length').join(), /[1-9]/);
    }
};

/** An answer in chunks, in as many packets as it has bytes. */
const chunksPass: Run = async (t, { door, exchange }) => {
  const { asking, server } = await exchange();
  for (const byte of chunked) {
    server.send(byte);
    await new Promise(setImmediate);
  }
  const answer = await asking.done();
  t.match(answer, { status: 200, body: 'hello, dear world', clean: true });
  t.same(valuesOf(answer.fields, 'transfer-encoding'), door.http2 ? [] : ['chunked']);
  t.same(valuesOf(answer.fields, 'content-length'), []);
};

/** What a client of HTTP/1.0 gets: head and body. */
async function toOld({ door, port, speaker }: World, bytes: string): Promise<ReturnType<typeof headOf>> {
  await speaker.forget();
  const socket = await door.connect(port);
  const heard = hear(socket);
  socket.write('GET / HTTP/1.0\r\nHost: a\r\n\r\n');
  const server = await speaker.next();
  server.send(bytes);
  if (!/chunked|length/i.test(bytes)) server.socket.end();
  const { answers, rest } = await heard;
  return headOf(`${answers[0]?.bytes}${rest}`);
}

const unchunked: Run = async (t, world) => {
  const { fields, rest } = await toOld(world, chunked);
  t.notMatch(fields.join(), /transfer-encoding/i);
  t.equal(rest, 'hello, dear world');
};

const untilTheEnd: Run = async (t, { answered }) => {
  const body = 'until the very end\r\n0\r\n\r\n';
  for (const head of ['HTTP/1.1 200 OK\r\n\r\n', 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n']) {
    const { answer } = await answered({}, head + body, ({ socket }) => socket.end());
    t.match(answer, { status: 200, body, clean: true }, head);
  }
};

const untouched: Run = async (t, { answered }) => {
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('latin1');
  for (const [asked, status, said, body] of [
    [
      [
        ['Range', 'bytes=2-5, -1'],
        ['If-Range', '"v1"'],
      ],
      '206 Partial Content',
      ['content-range: bytes 2-5/10', 'accept-ranges: bytes', 'etag: "v1"'],
      '2345',
    ],
    [
      [['If-None-Match', 'W/"a", "b,c"']],
      '304 Not Modified',
      ['etag: W/"a"', 'date: Fri, 02 Jan 2015 00:00:00 GMT'],
      '',
    ],
    [
      [['Accept-Encoding', 'gzip;q=0.9, br']],
      '200 OK',
      ['content-encoding: gzip', 'content-type: text/plain'],
      everyByte,
    ],
    [[], '200 OK', ['content-disposition: attachment; filename="Waschb\xc3\xa4r"'], 'ok'],
  ] as readonly [readonly Field[], string, string[], string][]) {
    const length = status.startsWith('304') ? '' : `Content-Length: ${body.length}\r\n`;
    const bytes = `HTTP/1.1 ${status}\r\n${said.map((line) => `${line}\r\n`).join('')}${length}\r\n${body}`;
    const { answer, server } = await answered({ path: '/fact/', fields: [...asked, alice] }, bytes);
    t.same([answer.status, answer.body === body], [Number.parseInt(status, 10), true], status);
    for (const line of said) {
      const [name = '', value] = line.split(/: (.*)/);
      t.same(valuesOf(answer.fields, name), [value]);
    }
    for (const [name, value] of asked)
      t.match(server.received().toLowerCase(), `\r\n${name}: ${value}\r\n`.toLowerCase());
  }
};

export const answers = [
  both(42, '102, 103 and their like are relayed, but not to HTTP/1.0 clients', informational),
  both(43, 'A 101 nobody asked for: 502', unasked),
  both(44, 'HEAD keeps Content-Length and has no body', headAnswers),
  both(45, '204 and 304 have no body', bodiless),
  each(
    46,
    'Chunks pass; an HTTP/1.0 client gets the body plain, and the end by close',
    async (t, world) => {
      await chunksPass(t, world);
      await unchunked(t, world);
    },
    chunksPass,
  ),
  both(47, 'A body that ends with its connection is forwarded', untilTheEnd),
  both(57, 'Range, ETag, Content-Encoding and what belongs to them are untouched', untouched),
];
