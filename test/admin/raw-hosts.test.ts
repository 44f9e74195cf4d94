import t from 'tap';
import { close, host, startRawAdmin } from '../support/raw-admin.ts';

const { adminPort, told, rolloutStatus } = await startRawAdmin(t);

// RFC 9112 §3.2.2: the host of an absolute target stands in for Host. A server that checks the one and serves by the
// other is reached under a name that it means to refuse.
await t.test('a target that names a host has to name one of ours', async (t) => {
  for (const foreign of [
    'evil.example',
    'evil.example:9901',
    'localhost.evil.example',
    'localhost@evil.example',
  ])
    t.strictSame(await told(`GET http://${foreign}/metrics HTTP/1.1\r\n${host}${close}`), [421]);
  for (const own of ['localhost', `127.0.0.1:${adminPort}`, '[::1]:9901', 'LOCALHOST'])
    t.strictSame(await told(`GET http://${own}/metrics HTTP/1.1\r\n${host}${close}`), [200]);
  t.strictSame(await told(`GET http://localhost/metrics HTTP/1.1\r\nHost: evil.example\r\n${close}`), [421]);
  for (const target of ['http://', 'https:metrics', 'file:///etc/passwd', 'ftp://localhost/', '*', 'metrics'])
    t.strictSame(await told(`GET ${target} HTTP/1.1\r\n${host}${close}`), [400]);
  t.strictSame(
    await told(`GET /http://evil.example/metrics HTTP/1.1\r\n${host}${close}`),
    [404],
    'that is a path',
  );
});

// A Host is put in front of the path to make an address. What else it holds must not become the path.
await t.test('a Host that is more than a host is refused', async (t) => {
  const odd = [
    'localhost/livez?',
    'localhost:80/livez?',
    'localhost#',
    'localhost?',
    'x@localhost',
    'localhost@evil.example',
  ];
  for (const one of [
    ...odd,
    'localhost, evil.example',
    'localhost evil.example',
    'localhost\\evil.example',
    '[::1',
    '::1',
  ])
    t.strictSame(await told(`GET /metrics HTTP/1.1\r\nHost: ${one}\r\n${close}`), [400], one);
  for (const one of ['localhost.', 'localhost:99999999', '0x7f.1', '127.1', 'localhost%00', '[localhost]'])
    t.ok([400, 421].includes((await told(`GET /metrics HTTP/1.1\r\nHost: ${one}\r\n${close}`))[0] ?? 0), one);
});

await t.test('two Hosts, no Host and an empty one are refused', async (t) => {
  for (const two of [`${host}Host: evil.example\r\n`, `Host: evil.example\r\n${host}`, `${host}${host}`])
    t.strictSame(await told(`GET /metrics HTTP/1.1\r\n${two}${close}`), [421]);
  t.strictSame(await told(`GET /metrics HTTP/1.1\r\n${close}`), [400]);
  t.strictSame(await told(`GET /metrics HTTP/1.1\r\nHost:\r\n${close}`), [400]);
  t.strictSame(await told('GET /metrics HTTP/1.0\r\n'), [400]);
  t.strictSame(await told(`GET /metrics HTTP/1.0\r\n${host}`), [200]);
});

const own = 'http://localhost';
const post = (fields: string) =>
  told(`POST /api/rollouts/facts/rollback HTTP/1.1\r\n${host}${fields}Content-Length: 0\r\n${close}`);
const get = (fields: string) => told(`GET /api/rollouts HTTP/1.1\r\n${host}${fields}${close}`);

// Not all servers in front of this one agree on which of two headers counts, so the worse one does.
await t.test('of two Origins, or of two sites, the foreign one counts', async (t) => {
  for (const origins of [
    ['null'],
    ['http://evil.example'],
    [''],
    ['localhost'],
    [`${own}, ${own}`],
    [`${own}:80`],
    [`${own}.evil.example`],
    ['http://evil@localhost'],
    ['app://localhost'],
    ['HTTP://localhost'],
    [own, 'http://evil.example'],
    ['http://evil.example', own],
    [own, own],
  ])
    t.strictSame(
      await post(origins.map((one) => `Origin: ${one}\r\n`).join('')),
      [403],
      origins.join(' and '),
    );
  const sites = ['cross-site', 'same-site', 'Cross-Site', 'same-origin, cross-site', 'what-comes-next', ''];
  for (const site of sites)
    for (const fields of [
      '',
      'Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n',
      `Origin: ${own}\r\n`,
    ])
      t.strictSame(await post(`Sec-Fetch-Site: ${site}\r\n${fields}`), [403], `${site} ${fields}`);
  t.strictSame(await post('Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n'), [403]);
  t.equal(await rolloutStatus(), 'in_progress');

  const link = 'Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n';
  t.strictSame(await get(`${link}Sec-Fetch-Dest: document\r\n`), [200], 'a link may lead here');
  for (const dest of ['iframe', 'embed', 'object', 'script', 'image', 'empty'])
    t.strictSame(await get(`${link}Sec-Fetch-Dest: ${dest}\r\n`), [403], dest);
  for (const site of ['none', 'same-origin'])
    t.strictSame(await get(`Sec-Fetch-Site: ${site}\r\n`), [200], site);
  t.strictSame(await get(`Origin: ${own}\r\n`), [200]);
});
