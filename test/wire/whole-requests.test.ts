import t from 'tap';
import { startProxy } from '../support/proxy.ts';
import {
  converse,
  type Message,
  ok,
  plain,
  refuses,
  serves,
  startRecorder,
  startWire,
  statusOf,
} from '../support/wire.ts';

const wire = await startWire(t);
const request = (method: string, headers: string, body = '') =>
  `${method} /fact/ HTTP/1.1\r\nHost: client.example\r\nConnection: close\r\n${headers}\r\n${body}`;
const good = (target: string) => `GET ${target} HTTP/1.1\r\nHost: client.example\r\n\r\n`;
const framing = (message: Message | undefined) => ({
  line: message?.startLine,
  length: message?.values('content-length'),
  coding: message?.values('transfer-encoding'),
  body: message?.body,
});

// http-proxy 1.18.1 makes `content-length: 0` of a chunked DELETE or OPTIONS and pipes the body after it: the
// upstream takes the body for the next request.
await t.test('17 bodies of DELETE, OPTIONS and GET keep their framing', async (t) => {
  const body = 'GET /smuggled HTTP/1.1\r\n\r\n';
  for (const method of ['DELETE', 'OPTIONS', 'GET', 'POST', 'PATCH']) {
    const line = `${method} /fact/ HTTP/1.1`;
    const chunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const chunked = await serves(t, wire, request(method, 'Transfer-Encoding: chunked\r\n', chunks));
    t.same(framing(chunked), { line, length: [], coding: ['chunked'], body }, `${method}, chunked`);
    const noChunk = await serves(t, wire, request(method, 'Transfer-Encoding: chunked\r\n', '0\r\n\r\n'));
    t.same(framing(noChunk), { line, length: [], coding: ['chunked'], body: '' }, `${method}, no chunk`);
    const length = [`${body.length}`];
    const counted = await serves(t, wire, request(method, `Content-Length: ${length.join()}\r\n`, body));
    t.same(framing(counted), { line, length, coding: [], body }, `${method}, with a length`);
    const zero = await serves(t, wire, request(method, 'Content-Length: 0\r\n'));
    t.same(framing(zero), { line, length: ['0'], coding: [], body: '' }, `${method}, of length 0`);
  }
  for (const method of ['DELETE', 'OPTIONS', 'GET', 'HEAD']) {
    const bodyless = await serves(t, wire, request(method, ''));
    const line = `${method} /fact/ HTTP/1.1`;
    t.same(framing(bodyless), { line, length: [], coding: [], body: '' }, `${method}, without a body`);
  }
});

await t.test('21 pipelined requests are answered in order', async (t) => {
  const upstream = await startRecorder(t, (message, socket) => {
    const [, target = ''] = message.startLine.split(' ');
    const answer = ok(`<${target} ${message.body}>`);
    if (target !== '/slow') return answer;
    setTimeout(() => socket.write(answer), 100);
  });
  const proxy = await startProxy(t, plain(upstream.url));
  const host = 'HTTP/1.1\r\nHost: client.example\r\n';
  const requests = [
    `POST /slow ${host}Content-Length: 3\r\n\r\none`,
    `GET /2 ${host}\r\n`,
    `POST /3 ${host}Transfer-Encoding: chunked\r\n\r\n3;x\r\nthr\r\n2\r\nee\r\n0\r\nX-A: 1\r\n\r\n`,
    `DELETE /4 ${host}\r\n`,
    `PUT /5 ${host}Content-Length: 0\r\n\r\n`,
    // Empty lines before a request line are passed over (RFC 9112 §2.2).
    `\r\n\r\nGET /6 ${host}Connection: close\r\n\r\n`,
  ];
  const expected = ['</slow one>', '</2 >', '</3 three>', '</4 >', '</5 >', '</6 >'];
  const inOnePacket = await converse(proxy.port, requests.join(''));
  t.same(
    inOnePacket.answers.map(({ body }) => body),
    expected,
    'each whole',
  );
  const inSeveral = await converse(proxy.port, requests);
  t.same(
    inSeveral.answers.map(({ body }) => body),
    expected,
    'in several packets, too',
  );
  const seen = upstream.messages.length;
  await converse(proxy.port, `${requests[5]}GET /7 ${host}\r\n`);
  t.notOk(
    upstream.messages.slice(seen).some(({ startLine }) => startLine.includes('/7')),
    'what follows the last request of a connection is not served',
  );
});

// Whoever refuses a request has lost track of where the next one begins.
await t.test('21 what follows a refused request on its connection is never served', async (t) => {
  for (const bad of [
    'GET / HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nX-A : 1\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n',
    'BAD\r\n\r\n',
  ]) {
    const name = JSON.stringify(bad);
    const before = wire.upstream.bytes().length;
    const { answers, ended } = await converse(wire.port, `${good('/before')}${bad}${good('/behind')}`);
    t.match(answers.map(statusOf).join(), /^(200)?(,?(400|501))?$/, `${name}: refused or cut`);
    t.ok(ended, `${name}: the connection ends`);
    t.notMatch(
      wire.upstream.bytes().slice(before),
      '/behind',
      `${name}: nothing behind it reached the upstream`,
    );
    await refuses(t, wire, bad, [400, 501]);
  }
});

await t.test('22 a request may come in any fragments', async (t) => {
  const bytes = request(
    'POST',
    'X-A: a\r\nTransfer-Encoding: chunked\r\n',
    '4;x=y\r\ngood\r\nA\r\n0123456789\r\n0\r\n\r\n',
  );
  const whole = { line: 'POST /fact/ HTTP/1.1', length: [], coding: ['chunked'], body: 'good0123456789' };
  t.same(framing(await serves(t, wire, bytes.split(''), 'byte by byte')), whole);
  for (let cut = 1; cut < bytes.length; cut += 1) {
    const halves = [bytes.slice(0, cut), bytes.slice(cut)];
    t.same(framing(await serves(t, wire, halves, `cut at ${cut}`)), whole);
  }
});

// What is refused whole must not get through in pieces.
await t.test('22 nor do fragments hide an attack', async (t) => {
  const bytes = request('POST', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n');
  const before = wire.upstream.bytes().length;
  const { answers, ended } = await converse(wire.port, bytes.split(''));
  t.same([answers.map(statusOf), ended], [[400], true]);
  t.equal(wire.upstream.bytes().length, before, 'nothing reached the upstream');
});
