import t from 'tap';
import { request, sendRaw } from '../support/client.ts';
import {
  asks,
  headOf,
  okAnswer,
  startBefore,
  startReplier,
  startSteered,
  unchunk,
} from '../support/peers.ts';

const get = asks('GET /fact/ HTTP/1.1', 'Connection: close');

const badChunks = [
  ...[
    'zz\r\n',
    '\r\n',
    '-1\r\n',
    '+4\r\n',
    '0x4\r\n',
    ' 4\r\n',
    '4 4\r\n',
    'FFFFFFFFFFFFFFFFF\r\n',
    '4\n',
  ].map((size) => `${size}evil\r\n`),
  '2\r\nokevil\r\n',
  '2\r\nok\nevil',
  '2\r\nok\r4\r\nevil\r\n',
  '4;a=\nb\r\nevil\r\n',
  '0\r\n\n',
  '0\n\r\n',
].map((chunk) => `${chunk}0\r\n\r\n`);

await t.test('51 A bad chunk is a cut, never a clean end', async (t) => {
  const { open } = await startSteered(t);
  for (const bad of badChunks) {
    const { client, server } = await open(get);
    server.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n');
    await client.gets(/good/);
    server.send(bad);
    await client.ends(1500);
    const { rest } = headOf(client.received());
    t.equal(unchunk(rest), undefined, JSON.stringify(bad));
    t.match(rest, /^4\r\ngood\r\n(?![^]*evil)/, 'and nothing after it');
    t.equal(await server.ends(), 'end', 'the upstream is let go of');
  }
});

await t.test('51 One found before the head is out is a cut or a 502', async (t) => {
  const upstream = await startReplier(t);
  const proxy = await startBefore(t, upstream.url);
  for (const bad of badChunks) {
    upstream.reply = () => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n${bad}`;
    const received = await sendRaw(proxy.port, get, false);
    if (received.startsWith('HTTP/1.1 502 ')) t.match(received, /bad-response/, JSON.stringify(bad));
    else if (received !== '') t.equal(unchunk(headOf(received).rest), undefined, JSON.stringify(bad));
    t.notMatch(received, /evil/);
  }
  upstream.reply = () => okAnswer;
  t.match(await request(proxy.port, '/fact/'), { status: 200, body: 'ok' }, 'and all is well after it');
});
