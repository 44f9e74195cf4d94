import t from 'tap';
import { startProxy } from '../support/proxy.ts';
import {
  converse,
  get,
  plain,
  refusal,
  refuses,
  serves,
  startRecorder,
  startWire,
  statusOf,
} from '../support/wire.ts';

const wire = await startWire(t, (url) => plain(`${url}/base`));
const absolute = (target: string, host = 'ignored.example') =>
  `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

await t.test('24 absolute form: its authority becomes the Host', async (t) => {
  const upstreamHost = `127.0.0.1:${wire.upstream.port}`;
  for (const [target, authority, sent] of [
    ['http://other.example/fact/', 'other.example', '/base/fact/'],
    ['http://other.example:8080/fact/?a=1', 'other.example:8080', '/base/fact/?a=1'],
    ['HTTP://Other.Example/Fact/', 'Other.Example', '/base/Fact/'],
    ['http://[::1]:80//a/../b', '[::1]:80', '/base//a/../b'],
    ['http://other.example', 'other.example', '/base/'],
    ['http://other.example?a=1', 'other.example', '/base/?a=1'],
    ['http://other.example/?http://third.example/', 'other.example', '/base/?http://third.example/'],
  ]) {
    const message = await serves(t, wire, absolute(target ?? ''), target);
    t.same(
      [message?.startLine, message?.values('host'), message?.values('x-forwarded-host')],
      [`GET ${sent} HTTP/1.1`, [upstreamHost], [authority]],
      `${target}: origin form upstream`,
    );
  }
});

await t.test('24 absolute form with preserveHost, and with routes by host', async (t) => {
  const kept = await startWire(t, (url) => plain(url, ', preserveHost: true'));
  const message = await serves(t, kept, absolute('http://other.example:81/fact/'));
  t.same([message?.startLine, message?.values('host')], ['GET /fact/ HTTP/1.1', ['other.example:81']]);

  const [named, rest] = [await startRecorder(t), await startRecorder(t)];
  const proxy = await startProxy(
    t,
    `
upstreams: { named: { url: "${named.url}" }, rest: { url: "${rest.url}" } }
routes:
  - { name: named, match: { host: named.example, path: /fact/ }, upstream: named }
  - { name: rest, upstream: rest }
`,
  );
  const { port } = proxy;
  await serves(t, { port, upstream: named }, absolute('http://named.example/fact/', 'rest.example'));
  await serves(t, { port, upstream: named }, absolute('http://NAMED.example:99/fact/', 'rest.example'));
  await serves(t, { port, upstream: rest }, absolute('http://rest.example/fact/', 'named.example'));
  await serves(t, { port, upstream: rest }, absolute('http://named.example/other', 'named.example'));
});

// A proxy that connects where the request line points is an open door to everything it can reach.
await t.test('24 the authority never chooses the upstream', async (t) => {
  const inside = await startRecorder(t);
  const address = `127.0.0.1:${inside.port}`;
  await serves(t, wire, absolute(`http://${address}/secret`));
  await serves(t, wire, absolute(`http://${address}/secret`, address));
  await serves(t, wire, get('/secret', `X-Forwarded-Host: ${address}\r\n`));
  t.equal(inside.connections(), 0);
  for (const target of [
    `http://user:pw@${address}/`,
    `http://a@${address}/`,
    'http:///fact/',
    'http://:80x/',
    'http://a b/',
    'http://[::1/',
    'http://a\\b/',
    address,
    'ftp://other.example/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'fact/',
    '?a=1',
    '*',
    '*/fact/',
    'http:/fact/',
  ])
    await refuses(t, wire, absolute(target).replace('Connection: close\r\n', ''), 400, target);
  t.equal(inside.connections(), 0, 'nobody came');
});

await t.test('25 OPTIONS * is forwarded as it is, to the route of /', async (t) => {
  const flags =
    'facts: { variations: [0, 1], fallthrough: { variation: 0 }, on: true, offVariation: 0, salt: s }';
  const [api, site] = [await startRecorder(t), await startRecorder(t)];
  const yaml = (site: string) => `
flags: { source: local, file: flags.yaml }
upstreams: { api: { url: "${api.url}/v0" }, site: { url: "${site}" } }
routes:
  - { name: facts, match: { path: /fact/ }, flag: facts, versions: { 0: api, 1: api }, default: 0 }
  - { name: rest, match: { path: ROOT }, upstream: site }
`;
  const files = { 'flags.yaml': `flags: { ${flags} }` };
  const options = 'OPTIONS * HTTP/1.1\r\nHost: client.example\r\nConnection: close\r\n\r\n';
  for (const url of [site.url, `${site.url}/base`, `${site.url}/base/`]) {
    const { port } = await startProxy(t, yaml(url).replace('ROOT', '/'), files);
    const message = await serves(t, { port, upstream: site }, options, url);
    t.equal(message?.startLine, 'OPTIONS * HTTP/1.1', 'without a base path');
    t.same(message?.values('host'), [`127.0.0.1:${site.port}`]);
  }
  const before = site.bytes().length;
  const without = await startProxy(t, yaml(site.url).replace('ROOT', '/site/'), files);
  const { answers } = await converse(without.port, options);
  t.same(answers.map(statusOf), [404], 'without such a route there is nobody to ask');
  t.match(refusal(answers[0]), { type: ['application/problem+json'], problem: 404 });
  t.same([site.bytes().length, api.connections()], [before, 0], 'and nobody is asked');
  for (const method of ['GET', 'POST', 'DELETE'])
    await refuses(t, wire, `${method} * HTTP/1.1\r\nHost: client.example\r\n\r\n`, 400);
});

// CONNECT asks for a tunnel to anywhere. Silence, Node's own answer to it, tells the client nothing.
await t.test('26 CONNECT is refused', async (t) => {
  const inside = await startRecorder(t);
  for (const target of [`127.0.0.1:${inside.port}`, 'other.example:443', '[::1]:80'])
    for (const headers of [
      '',
      'Connection: keep-alive\r\nProxy-Authorization: Basic YTpi\r\n',
      'Content-Length: 0\r\n',
    ])
      await refuses(t, wire, `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${headers}\r\n`, 501);
  t.equal(inside.connections(), 0);
});
