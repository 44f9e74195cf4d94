import t from 'tap';
import { sendRaw } from '../support/client.ts';
import { asks, headOf, startBefore, startReplier, valuesOf } from '../support/peers.ts';
import { clientProtocol } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

const upstream = await startReplier(t);
const proxy = await startBefore(t, upstream.url);
const trusting = await startBefore(t, upstream.url, { more: 'trustedProxies: [loopback]' });

/** What the upstream sees of a GET with these fields. */
async function forwarded(fields: string[], port = proxy.port) {
  await sendRaw(port, asks('GET /fact/ HTTP/1.1', 'Connection: close', ...fields), false);
  return headOf(upstream.heads.at(-1) ?? '').fields;
}

/** What the client sees of an answer with these fields and the body `ok`. */
async function relayed(fields: string[]) {
  upstream.reply = () => `HTTP/1.1 200 OK\r\n${fields.join('\r\n')}\r\n\r\nok`;
  const answer = await sendRaw(proxy.port, asks('GET /fact/ HTTP/1.1', 'Connection: close'), false);
  return headOf(answer);
}

await t.test('31 Hop-by-hop headers are stripped both ways', async (t) => {
  const hopByHop = [
    'Keep-Alive: timeout=9',
    'Proxy-Connection: keep-alive',
    'Proxy-Authenticate: Basic',
    'Proxy-Authorization: Basic YTpi',
    'Trailer: X-Sum',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABk',
  ];
  const names = hopByHop.map((field) => field.slice(0, field.indexOf(':')));
  const seen = await forwarded([...hopByHop, 'X-Kept: yes']);
  for (const name of names) t.same(valuesOf(seen, name), [], `${name} does not reach the upstream`);
  t.notMatch(valuesOf(seen, 'Connection').join(), /close/, 'nor does the end of this connection');
  t.same(valuesOf(seen, 'X-Kept'), ['yes']);

  const { line, fields, rest } = await relayed([
    'Connection: keep-alive',
    'Content-Length: 2',
    ...hopByHop,
    'X-Kept: yes',
  ]);
  t.equal(line, 'HTTP/1.1 200 OK');
  for (const name of names)
    t.notMatch(valuesOf(fields, name).join(), /./, `${name} does not reach the client`);
  t.same(valuesOf(fields, 'Connection'), ['close'], 'its connection is for the proxy to speak of');
  t.same(valuesOf(fields, 'X-Kept'), ['yes']);
  t.equal(rest, 'ok');
});

await t.test('32 Headers that Connection nominates are stripped both ways', async (t) => {
  const nominated = ['Connection: X-One,, x-TWO ,', 'Connection:\tkeep-alive , X-Three'];
  const fields = ['X-One: 1', 'x-one: again', 'X-Two: 2', 'X-Three: 3', 'X-Four: 4'];
  const seen = await forwarded([...nominated, ...fields]);
  const answered = await relayed([...fields, 'Content-Length: 2', ...nominated]);
  for (const list of [seen, answered.fields]) {
    for (const name of ['X-One', 'X-Two', 'X-Three']) t.same(valuesOf(list, name), [], name);
    t.same(valuesOf(list, 'X-Four'), ['4']);
    t.notMatch(valuesOf(list, 'Connection').join(), /x-/i, 'the nomination goes with what it names');
  }
});

// A client that could nominate X-Forwarded-For away would pass for the proxy itself, and an upstream that trusts the
// proxy's own address would let it in. Without its framing a body would be read as the next request.
await t.test('33 Nomination removes neither Host nor framing nor forwarding headers', async (t) => {
  const names = [
    'Host',
    'X-Forwarded-For',
    'X-Forwarded-Host',
    'X-Forwarded-Proto',
    'Via',
    'X-Request-Id',
    'X-Api-Version',
  ];
  const all = `Connection: ${names.join(', ')}, Content-Length, Transfer-Encoding`;
  const ids = ['X-Request-Id: mine-1', 'X-Api-Version: 7'];
  const seen = await forwarded([all, ...ids]);
  t.same(valuesOf(seen, 'Host'), [upstream.url.slice('http://'.length)]);
  t.same(valuesOf(seen, 'X-Forwarded-For'), ['127.0.0.1']);
  t.same(valuesOf(seen, 'X-Forwarded-Host'), ['a']);
  t.same(valuesOf(seen, 'X-Forwarded-Proto'), [clientProtocol]);
  t.match(valuesOf(seen, 'Via').join(), /1\.1 trenchcoat/);
  t.same(valuesOf(seen, 'X-Request-Id'), ['mine-1']);
  t.same(valuesOf(seen, 'X-Api-Version'), ['0']);

  const believed = await forwarded([all, 'X-Forwarded-For: 6.6.6.6'], trusting.port);
  t.same(valuesOf(believed, 'X-Forwarded-For'), ['6.6.6.6, 127.0.0.1'], 'nor what a trusted proxy has said');

  const reader = await startUpstream(t, (req, res) => req.on('end', () => res.end('read')));
  const { port } = await startBefore(t, reader.url);
  for (const framing of [
    'Content-Length: 4\r\n\r\nbody',
    'Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n',
  ]) {
    const head = asks('POST /fact/ HTTP/1.1', 'Connection: close', all).slice(0, -2);
    await sendRaw(port, head + framing, false);
    const [name = '', value = ''] = framing.split(/: |\r\n/);
    t.match(reader.seen.at(-1), { body: 'body', headers: { [name.toLowerCase()]: value } }, `${name} stays`);
  }
});

await t.test('33 Nor does a nomination in an answer remove its framing or what the proxy says', async (t) => {
  const all = 'Connection: Content-Length, Transfer-Encoding, X-Api-Version, Set-Cookie, Vary';
  const sized = await relayed([all, 'Content-Length: 2', 'Set-Cookie: a=1', 'X-Api-Version: 9']);
  t.same(valuesOf(sized.fields, 'Content-Length'), ['2']);
  t.same(valuesOf(sized.fields, 'Set-Cookie'), ['a=1']);
  t.same(valuesOf(sized.fields, 'X-Api-Version'), ['0']);
  t.match(valuesOf(sized.fields, 'Vary').join(), /Cookie/);
  t.equal(sized.rest, 'ok');
});

await t.test('34 Of TE only trailers goes on, as a wish of the proxy itself', async (t) => {
  upstream.reply = () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  for (const wish of [
    ['TE: trailers, gzip'],
    ['Connection: TE', 'TE: trailers, gzip'],
    ['TE: gzip;q=0.5', 'te: deflate, Trailers'],
  ]) {
    const seen = await forwarded(wish);
    t.same(valuesOf(seen, 'TE'), ['trailers'], wish.join(' + '));
    t.match(valuesOf(seen, 'Connection').join(), /(^|[ ,])te($|[ ,])/i, 'and Connection names it');
  }
  for (const wish of [['TE: gzip'], ['Connection: TE', 'TE: gzip;q=1, x-trailers'], ['TE:'], []]) {
    const seen = await forwarded(wish);
    t.same(valuesOf(seen, 'TE'), [], `nothing of ${wish.join(' + ')}`);
    t.notMatch(valuesOf(seen, 'Connection').join(), /(^|[ ,])te($|[ ,])/i);
  }
});
