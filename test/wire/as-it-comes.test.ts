import t from 'tap';
import { until } from '../support/client.ts';
import { asks, headOf, startSteered, unchunk, type Peer } from '../support/peers.ts';

const { open } = await startSteered(t);

await t.test('49 The head of an answer reaches the client before a body byte exists', async (t) => {
  for (const [framing, body] of [
    ['Content-Length: 4', 'body'],
    ['Transfer-Encoding: chunked', '4\r\nbody\r\n0\r\n\r\n'],
    ['Connection: close', 'body'],
  ] as const) {
    const { client, server } = await open(asks('GET /fact/ HTTP/1.1'));
    server.send(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`);
    await client.gets(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
    server.send(body);
    if (framing === 'Connection: close') server.socket.end();
    await client.gets(/body/);
    t.pass(framing);
  }
});

await t.test('49 The head of an upload reaches the upstream before a body byte exists', async (t) => {
  for (const [framing, body] of [
    ['Content-Length: 4', 'body'],
    ['Transfer-Encoding: chunked', '4\r\nbody\r\n0\r\n\r\n'],
  ] as const) {
    const { client, server } = await open(asks('POST /fact/ HTTP/1.1', framing));
    t.match(server.received(), /^POST [^]*\r\n\r\n$/, framing);
    client.send(body);
    await server.gets(/\r\n\r\n([\da-f]+\r\n)?body/);
  }
});

await t.test('50 Each write of the upstream reaches the client before the next is made', async (t) => {
  const { client, server } = await open(asks('GET /fact/ HTTP/1.1', 'Accept: text/event-stream'));
  server.send('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
  let events = '';
  for (let i = 0; i < 10; i += 1) {
    const event = `data: ${i}\n\n`;
    events += event;
    server.send(`${event.length.toString(16)}\r\n${event}\r\n`);
    await client.gets(new RegExp(`\\r\\n\\r\\n[^]*data: ${i}\\n\\n\\r\\n$`));
  }
  server.send('0\r\n\r\n');
  await client.gets(/\r\n0\r\n\r\n$/);
  t.equal(unchunk(headOf(client.received()).rest)?.data, events);
});

await t.test('50 So does a part of a chunk whose rest is not there yet', async (t) => {
  const { client, server } = await open(asks('GET /fact/ HTTP/1.1'));
  server.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nfirst');
  await client.gets(/first/);
  server.send(' half\r\n0\r\n\r\n');
  await client.gets(/\r\n0\r\n\r\n$/);
  t.equal(unchunk(headOf(client.received()).rest)?.data, 'first half');
});

const refusal = 'HTTP/1.1 413 Content Too Large\r\nX-Why: size\r\nContent-Length: 8\r\n';

await t.test('56 An answer that comes in the middle of an upload is relayed whole', async (t) => {
  const { client, server } = await open(asks('POST /fact/ HTTP/1.1', 'Content-Length: 1000'));
  client.send('a beginning');
  await server.gets(/a beginning$/);
  server.send(`${refusal}\r\ntoo much`);
  await client.gets(/\r\n\r\ntoo much$/);
  const { line, fields } = headOf(client.received());
  t.equal(line, 'HTTP/1.1 413 Content Too Large');
  t.match(fields.join('\n'), /^X-Why: size$[^]*^Connection: close$/im);
});

// A close with unread bytes in the receive buffer resets the connection, and a reset takes from the client what it has
// not read yet: the answer. So the proxy must go on reading for a while.
for (const [how, more, whenAnswered] of [
  ['reads on', '', () => {}],
  ['has stopped reading', '', (server: Peer) => server.socket.pause()],
  ['ends its side', 'Connection: close\r\n', (server: Peer) => server.socket.pause().end()],
] as const) {
  await t.test(`56 A client that uploads on before it reads gets it, when the upstream ${how}`, async (t) => {
    const megabyte = 'x'.repeat(1024 * 1024);
    for (const framing of ['Content-Length: 6291456', 'Transfer-Encoding: chunked']) {
      const { client, server } = await open(asks('POST /fact/ HTTP/1.1', framing));
      client.socket.pause();
      server.send(`${refusal}${more}\r\ntoo much`);
      whenAnswered(server);
      const part = framing.startsWith('C') ? megabyte : `100000\r\n${megabyte}\r\n`;
      client.send(part.repeat(6));
      await until(() => client.socket.writableLength === 0, 'the upload is taken');
      client.socket.resume();
      await client.gets(/^HTTP\/1\.1 413 [^]*\r\n\r\ntoo much$/);
      t.equal(headOf(client.received()).rest, 'too much', framing);
    }
  });
}

await t.test('56 An answer that begins during the upload does not end it', async (t) => {
  const { client, server } = await open(asks('POST /fact/ HTTP/1.1', 'Transfer-Encoding: chunked'));
  server.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
  for (const word of ['ping', 'pong', 'ping']) {
    client.send(`4\r\n${word}\r\n`);
    await server.gets(new RegExp(`4\\r\\n${word}\\r\\n$`));
    server.send(`6\r\n<${word}>\r\n`);
    await client.gets(new RegExp(`<${word}>\\r\\n$`));
  }
  client.send('0\r\n\r\n');
  await server.gets(/\r\n0\r\n\r\n$/);
  server.send('0\r\n\r\n');
  await client.gets(/\r\n0\r\n\r\n$/);
  t.equal(unchunk(headOf(client.received()).rest)?.data, '<ping><pong><ping>');
});
