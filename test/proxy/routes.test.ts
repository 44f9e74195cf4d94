import t from 'tap';
import { request, sendRaw } from '../support/client.ts';
import { startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

await t.test('the first route that matches serves, on the raw path', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const proxy = await startProxy(
    t,
    `
upstreams:
  exact: { url: "${upstream.url}/exact" }
  slash: { url: "${upstream.url}/slash" }
  host: { url: "${upstream.url}/host" }
  post: { url: "${upstream.url}/post" }
routes:
  - { name: host, match: { host: Zoo.example }, upstream: host }
  - { name: post, match: { path: /fact, methods: [POST] }, upstream: post }
  - { name: slash, match: { path: /fact/ }, upstream: slash }
  - { name: exact, match: { path: /den }, upstream: exact }
`,
  );
  const seenAs = async (target: string, headers: Record<string, string> = {}, method = 'GET') => {
    const before = upstream.seen.length;
    const { status } = await request(proxy.port, target, { headers, method });
    return upstream.seen[before]?.url ?? status;
  };
  t.equal(await seenAs('/fact/'), '/slash/fact/');
  t.equal(await seenAs('/fact/below?x'), '/slash/fact/below?x');
  t.equal(await seenAs('/fact'), 404);
  t.equal(await seenAs('/factory'), 404);
  t.equal(await seenAs('/%66act/'), 404, 'nothing is decoded');
  t.equal(await seenAs('/fact/../den'), '/slash/fact/../den', 'nothing is resolved');
  t.equal(await seenAs('/den'), '/exact/den');
  t.equal(await seenAs('/den/'), '/exact/den/');
  t.equal(await seenAs('/den?'), '/exact/den?');
  t.equal(await seenAs('/denmark'), 404);
  t.equal(await seenAs('/fact/', {}, 'POST'), '/post/fact/');
  t.equal(await seenAs('/anything', { host: 'zoo.EXAMPLE:81' }), '/host/anything');
  t.equal(
    await seenAs('http://zoo.example/any'),
    '/host/any',
    'the authority of the target counts, not Host',
  );
});

await t.test('a head that cannot be trusted is refused', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const proxy = await startProxy(
    t,
    `
upstreams: { all: { url: "${upstream.url}" } }
routes: [{ name: all, upstream: all }]
limits: { headerBytes: 4KiB, headerCount: 20, uriBytes: 1KiB }
`,
  );
  const answers: [string, string, string][] = [
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', '400 bad-host'],
    ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', '400 bad-host'],
    ['no Host at all', 'GET / HTTP/1.1\r\nHost: a/b@c\r\n\r\n', '400 bad-host'],
    ['header count', `GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(20)}\r\n`, '431 too-many-headers'],
    ['header bytes', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(5000)}\r\n\r\n`, '431 head-too-large'],
    ['long target', `GET /${'y'.repeat(1024)} HTTP/1.1\r\nHost: a\r\n\r\n`, '414 uri-too-long'],
    ['no target to route by', 'GET * HTTP/1.1\r\nHost: a\r\n\r\n', '400 bad-target'],
    ['strange version', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', '505 bad-version'],
    ['strange authority', 'GET http://a,b;c@d/ HTTP/1.1\r\nHost: a\r\n\r\n', '400 bad-target'],
    ['strange target', 'GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n', '400 bad-target'],
    [
      'length and coding',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      '400 bad-request',
    ],
    ['no HTTP', 'hello\r\n\r\n', '400 bad-request'],
  ];
  for (const [what, bytes, expected] of answers) {
    const [status, code] = expected.split(' ');
    const received = await sendRaw(proxy.port, bytes);
    t.match(received, new RegExp(`^HTTP/1\\.1 ${status} [^]*problem\\+json[^]*:${code}"`), what);
  }
  t.equal(upstream.seen.length, 0, 'nothing reached the upstream');
  const atTheLimit = `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${'X: y\r\n'.repeat(18)}\r\n`;
  t.match(await sendRaw(proxy.port, atTheLimit, false), /^HTTP\/1\.1 200/);
});
