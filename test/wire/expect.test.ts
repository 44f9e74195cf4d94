import t from 'tap';
import { asks, headOf, okAnswer, startSteered, valuesOf } from '../support/peers.ts';

const { open } = await startSteered(t);

const post = (...fields: string[]) =>
  asks('POST /fact/ HTTP/1.1', 'Content-Length: 4', 'Connection: close', ...fields);
const continues = 'HTTP/1.1 100 Continue\r\n\r\n';

await t.test('40 Expect is passed on, and the upstream alone says when to continue', async (t) => {
  const { client, server } = await open(post('Expect: 100-continue'));
  await server.gets(/\r\nExpect: 100-continue\r\n([^]*\r\n)?\r\n$/i);
  t.equal(client.received(), '', 'the proxy does not speak for it');
  server.send(continues);
  await client.gets(/\r\n\r\n$/);
  t.match(client.received(), /^HTTP\/1\.1 100 Continue\r\n\r\n$/);
  client.send('body');
  await server.gets(/\r\n\r\nbody$/);
  server.send(okAnswer);
  await client.ends();
  t.match(client.received(), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/);
});

await t.test(
  '40 Exactly one 100 Continue reaches the client, even if the upstream sends three',
  async (t) => {
    const { client, server } = await open(post('Expect: 100-continue'));
    await server.gets(/\r\n\r\n$/);
    server.send(continues + continues);
    await client.gets(/^HTTP\/1\.1 100 /);
    client.send('body');
    await server.gets(/body$/);
    server.send(continues + okAnswer);
    await client.ends();
    t.equal(client.received().match(/HTTP\/1\.1 100/g)?.length, 1);
    t.match(client.received(), /ok$/);
  },
);

await t.test('40 A client that did not ask gets no 100 Continue', async (t) => {
  const { client, server } = await open(`${post()}body`);
  await server.gets(/body$/);
  t.notMatch(server.received(), /expect/i, 'nor is the upstream asked for one');
  server.send(continues + okAnswer);
  await client.ends();
  t.match(client.received(), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/);
});

await t.test('40 A client that gets tired of waiting may send its body', async (t) => {
  const { client, server } = await open(post('Expect: 100-continue'));
  await server.gets(/\r\n\r\n$/);
  client.send('body');
  await server.gets(/\r\n\r\nbody$/);
  server.send(okAnswer);
  await client.ends();
  t.match(client.received(), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/);
});

// A client that reads the refusal may keep the body to itself. Were the connection kept, the next request would be
// taken for that body.
await t.test('40 A refusal without 100 is relayed, and the body never asked for', async (t) => {
  for (const status of ['417 Expectation Failed', '413 Content Too Large', '401 Unauthorized']) {
    const bytes = asks('POST /fact/ HTTP/1.1', 'Content-Length: 4', 'Expect: 100-continue');
    const { client, server } = await open(bytes);
    await server.gets(/\r\n\r\n$/);
    server.send(`HTTP/1.1 ${status}\r\nX-Why: because\r\nContent-Length: 2\r\n\r\nno`);
    await client.gets(/\r\n\r\nno$/);
    const { line, fields } = headOf(client.received());
    t.equal(line, `HTTP/1.1 ${status}`);
    t.ok(fields.includes('X-Why: because'));
    t.match(valuesOf(fields, 'Connection').join(), /close/i, 'no request can follow a body that is owed');
    t.match(server.received(), /\r\n\r\n$/, 'the upstream got no body');
  }
});

await t.test('40 An HTTP/1.0 client never gets a 100 Continue', async (t) => {
  const bytes = asks('POST /fact/ HTTP/1.0', 'Content-Length: 4', 'Expect: 100-continue');
  const { client, server } = await open(`${bytes}body`);
  await server.gets(/body$/);
  server.send(continues + okAnswer);
  await client.ends();
  t.match(client.received(), /^HTTP\/1\.[01] 200 OK\r\n[^]*\r\n\r\nok$/);
});

await t.test('41 An unknown expectation is passed on, and the 417 of the upstream relayed', async (t) => {
  for (const answer of ['HTTP/1.1 417 Never\r\nContent-Length: 4\r\n\r\nmoon', okAnswer]) {
    const bytes = asks('GET /fact/ HTTP/1.1', 'Expect: the-moon', 'Connection: close');
    const { client, server } = await open(bytes);
    await server.gets(/\r\nExpect: the-moon\r\n([^]*\r\n)?\r\n$/i);
    server.send(answer);
    await client.ends();
    const { line, rest } = headOf(client.received());
    t.equal(`${line} ${rest}`, answer.replace(/\r\n[^]*\r\n/, ' '), 'whatever the upstream makes of it');
  }
});
