import t from 'tap';
import { startUpstream } from '../support/upstream.ts';
import { plain } from '../support/dialogue.ts';
import { startProxy } from '../support/proxy.ts';
import { sendRaw } from '../support/client.ts';

let trailers: NodeJS.Dict<string> = {};
const upstream = await startUpstream(t, (req, res) => {
  res.writeHead(200, { connection: 'close, x-private', trailer: 'X-Private, X-Sum' });
  res.write('ok');
  res.addTrailers({ 'X-Private': '1', 'X-Sum': '2' });
  req.on('end', () => {
    ({ trailers } = req);
    res.end();
  });
});
const proxy = await startProxy(t, plain(upstream.url));

const ask = async (...fields: string[]) => {
  const lines = ['POST / HTTP/1.1', 'Host: a', ...fields, 'Transfer-Encoding: chunked', '', ''];
  upstream.seen.length = 0;
  const body = '0\r\nX-Private: 1\r\nX-Sum: 2\r\n\r\n';
  const received = await sendRaw(proxy.port, lines.join('\r\n') + body, false);
  return { received, seen: upstream.seen[0] };
};

await t.test('32 What Connection names goes no further as a trailer either', async (t) => {
  const { received } = await ask('Connection: close, X-Private');
  t.match(received, /\r\n0\r\nX-Sum: 2\r\n\r\n$/, 'RFC 9110 §7.6.1 speaks of headers and trailers');
  t.same(trailers, { 'x-sum': '2' });
});

// A gateway's parting shot: programs behind CGI cannot tell X_Private from X-Private.
await t.test('32 A name with an underscore can be named', async (t) => {
  const { seen } = await ask('Connection: close, X_Private', 'X_Private: 1');
  t.equal(seen?.headers['x_private'], undefined);
});

await t.test('33 An underscore does not make framing a name like others', async (t) => {
  const lines =
    'POST / HTTP/1.1\r\nHost: a\r\nConnection: close, content_length\r\nContent-Length: 2\r\n\r\nhi';
  upstream.seen.length = 0;
  await sendRaw(proxy.port, lines, false);
  t.match(upstream.seen[0], { body: 'hi', headers: { 'content-length': '2' } });
});

// The wish for h2c is taken out of Connection before the request is served. With it went `upgrade` from within other names,
// so that what was meant for the next hop alone went on.
await t.test('64 Without the wish for another protocol, Connection names what it named', async (t) => {
  const { seen } = await ask(
    'Connection: Upgrade, HTTP2-Settings, X-Upgrade-Id, close',
    'Upgrade: h2c',
    'HTTP2-Settings: AA',
    'X-Upgrade-Id: 1',
  );
  t.ok(seen, 'it was served');
  t.equal(seen?.headers['x-upgrade-id'], undefined);
});
