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

const wire = await startWire(t);
const head = (...lines: string[]) =>
  `GET /fact/ HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;

// One side routes, or caches, by the first Host and the other by the last: a page of one host is stored as another's.
await t.test('15 a missing or repeated Host is refused', async (t) => {
  for (const lines of [
    [],
    ['X-A: 1'],
    ['Host: a', 'Host: b'],
    ['Host: a', 'Host: a'],
    ['Host: a', 'X-A: 1', 'host: b'],
    ['Host: a', 'HOST:'],
    ['Host:', 'Host: a'],
    ['Connection: host', 'Host: a', 'Host: b'],
  ])
    await refuses(t, wire, head(...lines), 400);
  const absolute = 'GET http://client.example/fact/ HTTP/1.1\r\n';
  await refuses(t, wire, `${absolute}\r\n`, 400, 'absolute form does not stand in for a missing Host');
  await refuses(t, wire, `${absolute}Host: a\r\nHost: b\r\n\r\n`, 400, 'nor for a repeated one');
});

await t.test('15 HTTP/1.0 may come without a Host, though not with two', async (t) => {
  const message = await serves(t, wire, 'GET /fact/ HTTP/1.0\r\n\r\n');
  t.same(message?.values('host'), [`127.0.0.1:${wire.upstream.port}`]);
  await refuses(t, wire, 'GET /fact/ HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n', 400);
});

await t.test('16 an invalid Host is refused', async (t) => {
  const names = [
    'a b',
    'a\tb',
    'a/b',
    'a/',
    '/',
    'a?b',
    'a#b',
    'a@b',
    'user:pw@a',
    'http://a',
    'a\\b',
    '\\',
    '"a"',
  ];
  const signs = ['<a>', 'a^b', 'a`b', '{a}', 'a|b', '\xe9.example', 'a\x80', 'a\xa0'];
  const ports = ['a:b', 'a:80:80', 'a:-1', 'a:+80', 'a: 80', 'a:8o', ':a'];
  const literals = [
    '[::1',
    '::1',
    '[::1]x',
    '[::1]:x',
    '[g::1]',
    'a[::1]',
    '[]]',
    '[::1%25eth0]',
    '[::1][::2]',
  ];
  for (const host of [...names, ...signs, ...ports, ...literals]) {
    await refuses(t, wire, head(`Host: ${host}`), 400, JSON.stringify(host));
  }
});

await t.test('a valid Host passes, whatever its form', async (t) => {
  for (const host of [
    'a',
    'A.Example',
    'a.example.',
    'a:8080',
    'a:',
    '[::1]',
    '[::1]:8080',
    '10.0.0.1',
    'x_y',
    '',
  ]) {
    const message = await serves(t, wire, head(`Host: ${host}`, 'Connection: close'), `Host: ${host}`);
    t.same(message?.values('host'), [`127.0.0.1:${wire.upstream.port}`], 'the upstream gets its own');
    t.same(message?.values('x-forwarded-host'), [host], 'and hears of it');
  }
});

await t.test("30 Host is the upstream's authority, or with preserveHost the client's", async (t) => {
  const own = await serves(t, wire, get('/fact/'));
  t.same(own?.values('host'), [`127.0.0.1:${wire.upstream.port}`]);
  const kept = await startWire(t, (url) => plain(url, ', preserveHost: true'));
  for (const host of ['client.example', 'Client.Example:8080', '[::1]:80']) {
    const message = await serves(t, kept, head(`Host: ${host}`, 'Connection: close'));
    t.same([message?.values('host'), message?.values('x-forwarded-host')], [[host], [host]]);
  }
  const old = await serves(t, kept, 'GET /fact/ HTTP/1.0\r\n\r\n', 'nothing to preserve');
  t.same(old?.values('host'), [`127.0.0.1:${kept.upstream.port}`]);
});

// Two proxies that name each other as upstream would pass one request round until all their sockets are gone.
await t.test('30 a request that went through this very instance is refused with 508', async (t) => {
  const first = await serves(t, wire, get('/fact/'));
  const [via = ''] = first?.values('via') ?? [];
  t.match(via, /^1\.1 trenchcoat-[\w.-]+$/, 'Via names the instance');
  const pseudonym = via.slice('1.1 '.length);
  for (const headers of [
    `Via: ${via}\r\n`,
    `via: 1.0 first.example, ${via}, 1.1 last.example (a comment)\r\n`,
    `Via: 1.1 first.example\r\nVia: ${via}\r\n`,
    `Via: HTTP/1.1 ${pseudonym}\r\n`,
    `Via: 2 ${pseudonym},1.1 other\r\n`,
    `Via: 1.1 ${pseudonym} (again)\r\n`,
    `Connection: via\r\nVia: ${via}\r\n`,
  ]) {
    const before = wire.upstream.bytes().length;
    const { answers } = await converse(wire.port, get('/loop', headers));
    t.same(answers.map(statusOf), [508], JSON.stringify(headers));
    t.match(refusal(answers[0]), { type: ['application/problem+json'], problem: 508 });
    t.equal(wire.upstream.bytes().length, before, 'nothing reached the upstream');
  }

  const others = `Via: 1.0 first.example, 1.1 ${pseudonym}x, 1.1 trenchcoat, 1.1 trenchcoat-other (${pseudonym}-like)\r\n`;
  const passed = await serves(t, wire, get('/fact/', others));
  t.equal(passed?.values('via').join(', '), `${others.slice('Via: '.length, -2)}, ${via}`, 'others pass');
  const upstream = await startRecorder(t);
  const second = await startProxy(t, plain(upstream.url));
  await serves(t, { port: second.port, upstream }, get('/fact/', `Via: ${via}\r\n`), 'another instance');
  t.not(upstream.messages[0]?.values('via').at(-1), via, 'has a name of its own');
});
