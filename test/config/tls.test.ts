import { join } from 'node:path';
import t from 'tap';
import { loadConfig } from '../../src/config/load.ts';
import { load, minimal, problemsOf } from '../support/config.ts';

const routes = 'routes: [{ name: r, upstream: v0 }]\n';

const http2 = async (listen: string) => (await load(`${minimal}listen: ${listen}\n`)).config?.listen.http2;
const listen = (text: string) => problemsOf(`${minimal}listen: { address: 127.0.0.1:0, ${text} }\n`);
const upstream = (url: string, tls: string) =>
  problemsOf(`upstreams: { v0: { url: ${url}, tls: { ${tls} } } }\n${routes}`);

await t.test('paths of PEM files start at the folder of the file that names them', async (t) => {
  const folder = t.testdir({
    'a.yaml': `
listen:
  address: 127.0.0.1:0
  tls: { cert: tls/a.pem, key: /run/a.key, clientCa: ca.pem, more: [{ cert: b.pem, key: tls/b.key }] }
upstreams: { v0: { url: "https://a", tls: { ca: ca.pem, cert: c.pem, key: ../c.key, servername: b } } }
${routes}`,
  });
  const { config } = await loadConfig(join(folder, 'a.yaml'));
  const at = (name: string) => join(folder, name);
  t.same(config.listen.tls, {
    cert: at('tls/a.pem'),
    key: '/run/a.key',
    clientCa: at('ca.pem'),
    more: [{ cert: at('b.pem'), key: at('tls/b.key') }],
    minVersion: 'TLSv1.2',
  });
  t.same(config.upstreams['v0']?.tls, {
    ca: at('ca.pem'),
    cert: at('c.pem'),
    key: at('../c.key'),
    servername: 'b',
    verify: true,
  });
});

await t.test(
  'HTTP/2 is spoken over TLS unless it is turned off, and without TLS when it is turned on',
  async (t) => {
    t.equal(await http2('127.0.0.1:0'), false);
    t.equal(await http2('{ address: 127.0.0.1:0 }'), false);
    t.equal(await http2('{ address: 127.0.0.1:0, http2: true }'), true);
    t.equal(await http2('{ address: 127.0.0.1:0, tls: { cert: a, key: b } }'), true);
    t.equal(await http2('{ address: 127.0.0.1:0, tls: { cert: a, key: b }, http2: false }'), false);
  },
);

await t.test('what would have no effect, or one that nobody means, is a mistake', async (t) => {
  const table: [Promise<string[]>, string[]][] = [
    [
      listen('proxyProtocol: true'),
      ['3:48 listen.proxyProtocol: it is taken from `trustedProxies` alone, and there are none; name them'],
    ],
    [listen('tls: { cert: a }'), ['3:33 listen.tls.key: missing; expected the path of a PEM file']],
    [
      listen('tls: { cert: a, key: b, minVersion: TLSv1.1 }'),
      [
        '3:69 listen.tls.minVersion: found "TLSv1.1"; expected one of TLSv1.2, TLSv1.3; did you mean `TLSv1.2`?',
      ],
    ],
    [
      upstream('http://a', 'ca: x'),
      ['1:46 upstreams.v0.tls.ca: an http:// address is spoken to without TLS; write https://, or remove it'],
    ],
    [upstream('http://a', 'verify: true'), []],
    [upstream('https://a', 'cert: x'), ['1:49 upstreams.v0.tls.cert: `cert` and `key` go together']],
    [upstream('https://a', 'key: x'), ['1:48 upstreams.v0.tls.key: `cert` and `key` go together']],
    [upstream('https://a', 'verify: false'), []],
  ];
  for (const [problems, expected] of table) t.strictSame(await problems, expected);
});
