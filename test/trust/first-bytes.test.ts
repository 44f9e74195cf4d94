import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type { Socket } from 'node:net';
import tls from 'node:tls';
import t, { type Test } from 'tap';
import { firstBytes, type Judge } from '../../src/proxy/first-bytes.ts';
import { accepted, arrival, listenersOf, writePieces } from '../support/accepted.ts';
import { selfSigned } from '../support/self-signed.ts';

/** Takes a line away that ends in `!`, and refuses one that has a `?`. */
const line: Judge<string> = (bytes) => {
  const [text, end] = /^[^!?]*([!?])/.exec(bytes.toString('latin1')) ?? [''];
  if (end === '?') throw new Error('a question');
  return end === undefined ? undefined : { found: text, used: text.length };
};

const code = (error: unknown) => (error as { code?: string }).code ?? String(error);
const outcome = (socket: Socket, within = 5000, judge = line) =>
  firstBytes(socket, judge, within).catch(code);

/** What somebody reads of a connection who reads it to the end. */
async function readOn(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk)));
  await once(socket, 'end');
  return text;
}

await t.test('what the judge uses up is gone, all else is read by whoever comes next', async (t) => {
  for (const pieces of [
    ['one!', 'and more'],
    ['one!and more'],
    ['o', 'n', 'e', '!', 'a', 'nd more'],
    ['on', 'e!and', ' more'],
  ]) {
    const { client, socket } = await accepted(t);
    const before = listenersOf(socket);
    const [found] = await Promise.all([outcome(socket), writePieces(client, pieces)]);
    t.equal(found, 'one!');
    t.same(listenersOf(socket), before, 'no listener stays');
    client.end();
    t.equal(await readOn(socket), 'and more', JSON.stringify(pieces));
  }
});

await t.test('one judge after the other, and bytes that were there before the first', async (t) => {
  const { client, socket } = await accepted(t);
  await writePieces(client, ['one!two!', 'three']);
  t.equal(await outcome(socket), 'one!');
  t.equal(await outcome(socket), 'two!');
  client.end('!four');
  t.equal(await outcome(socket), 'three!');
  t.equal(await readOn(socket), 'four');
});

await t.test('more than a stream holds comes through whole', async (t) => {
  const { client, socket } = await accepted(t);
  const much = 'x'.repeat(3_000_000);
  client.end(`one!${much}`);
  t.equal(await outcome(socket), 'one!');
  await arrival();
  t.ok((await readOn(socket)) === much);
});

await t.test('a refusal leaves the bytes, and a connection that can be answered', async (t) => {
  const { client, socket } = await accepted(t);
  const before = listenersOf(socket);
  const [found] = await Promise.all([outcome(socket), writePieces(client, ['on', 'e?more'])]);
  t.equal(found, 'Error: a question');
  t.same(listenersOf(socket), before);
  socket.end('no');
  t.equal(await readOn(client), 'no');
  client.end();
  t.equal(await readOn(socket), 'one?more');
});

await t.test('a client that says nothing, or not enough, is late', async (t) => {
  for (const said of ['', 'on']) {
    const { client, socket } = await accepted(t);
    const before = listenersOf(socket);
    const [found] = await Promise.all([outcome(socket, 50), writePieces(client, [said])]);
    t.equal(found, 'head_timeout');
    t.same(listenersOf(socket), before);
    socket.end('late');
    t.equal(await readOn(client), 'late', 'it can be told so');
  }
});

await t.test('a client that ends before it said enough is gone, whether it half-closes or not', async (t) => {
  for (const allowHalfOpen of [true, false])
    for (const said of ['', 'on', 'one!']) {
      const { client, socket } = await accepted(t, { allowHalfOpen });
      client.end(said);
      await arrival();
      t.equal(await outcome(socket), 'client_closed', JSON.stringify(said));
      t.equal(socket.writable, allowHalfOpen || said === 'on', 'and its connection is as it was');
    }
});

await t.test('a client that has ended behind what it said still gets its answer', async (t) => {
  const { client, socket } = await accepted(t);
  client.end('one!two');
  await arrival();
  t.equal(await outcome(socket), 'one!');
  t.equal(await readOn(socket), 'two');
  socket.end('answer');
  t.equal(await readOn(client), 'answer');
});

await t.test('a client that resets is gone, and nothing is thrown', async (t) => {
  const { client, socket } = await accepted(t);
  const found = outcome(socket);
  await writePieces(client, ['on']);
  client.resetAndDestroy();
  t.equal(await found, 'client_closed');
  t.equal(await outcome(socket), 'client_closed', 'and so it is for whoever asks afterwards');
});

/** A connection whose first words have been read, and the client's end of it. */
async function judged(t: Test, behind: string): Promise<{ client: Socket; socket: Socket }> {
  const { client, socket } = await accepted(t);
  client.write(`one!${behind}`, 'latin1');
  t.equal(await outcome(socket), 'one!');
  return { client, socket };
}

await t.test(
  'http.Server takes the connection, also for several requests and when it comes in pieces',
  async (t) => {
    const server = http.createServer((req, res) => {
      req.resume().on('end', () => res.end(req.url));
    });
    for (const behind of ['', 'P', 'POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na']) {
      const { client, socket } = await judged(t, behind);
      server.emit('connection', socket);
      const rest =
        'POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
      client.write(rest.slice(behind.length), 'latin1');
      t.match(
        await readOn(client),
        /^HTTP\/1\.1 200 [^]*\/1[^]*HTTP\/1\.1 200 [^]*\/2/,
        JSON.stringify(behind),
      );
    }
  },
);

await t.test('tls.Server takes the connection, whatever of the handshake is there', async (t) => {
  const server = http.createServer((req, res) => res.end(req.url));
  const door = tls.createServer(selfSigned, (secure) => server.emit('connection', secure));
  const { client, socket } = await accepted(t);
  client.write('one!');
  const secure = tls.connect({ socket: client, rejectUnauthorized: false });
  t.equal(await outcome(socket), 'one!');
  await arrival();
  door.emit('connection', socket);
  secure.write('GET /tls HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  t.match(await readOn(secure), /^HTTP\/1\.1 200 [^]*\/tls/);
});

await t.test('HTTP/2 takes the connection, its preface included', async (t) => {
  const { client, socket } = await accepted(t);
  client.write('one!');
  const session = http2.connect('http://a', { createConnection: () => client });
  t.teardown(() => session.destroy());
  t.equal(await outcome(socket), 'one!');
  await arrival();
  const served = http2.performServerHandshake(socket);
  t.teardown(() => served.destroy());
  served.on('stream', (stream, headers) => {
    stream.respond({ ':status': 200 });
    stream.end(String(headers[':path']));
  });
  let body = '';
  for await (const chunk of session.request({ ':path': '/h2' })) body += String(chunk);
  t.equal(body, '/h2');
});
