import https from 'node:https';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import t from 'tap';
import { request, readAnswer, type Answer } from '../support/client.ts';
import { problemsOf } from '../support/config.ts';
import { identifier } from '../support/context.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { selfSigned } from '../support/self-signed.ts';
import { startUpstream } from '../support/upstream.ts';

/** A browser throws such a cookie away unless it is `Secure` and came by TLS: RFC 6265bis §4.1.3. */
const prefixes = ['__Host-', '__Secure-', '__Http-', '__host-'];

await t.test('a key is given only to who can keep it; a plain name is for everybody', (t) => {
  for (const prefix of [...prefixes, '', '_Host-', 'x__Host-']) {
    const section = { user: { key: [{ cookie: 'uid' }], anonymous: { cookie: `${prefix}id` } } };
    t.match(
      identifier(section, { secure: true })({}).minted,
      [{ cookie: `${prefix}id` }],
      `${prefix}, by TLS`,
    );
    const plainly = identifier(section, { secure: false });
    if (prefixes.includes(prefix))
      t.same(plainly({}), { context: undefined, minted: [] }, `${prefix}, plainly`);
    else t.match(plainly({}).minted, [{ cookie: `${prefix}id` }], `${prefix}, plainly`);
    t.match(plainly({ cookie: 'uid=7' }).context, { key: '7' }, 'who is known is known');
  }
  t.end();
});

/** All who are given a key get version 1; the default is 0. */
const toOne = evenFlags.replace(/fallthrough: .*/, 'fallthrough: { variation: 1 }');

const named = (url: string, name: string, more: string) =>
  flagged(url, url, more).replace('X-User-Id }]', `X-User-Id }]\n    anonymous: { cookie: ${name} }`);

const whose = ({ headers }: Answer) => [headers['x-api-version'], headers['set-cookie']?.[0]?.split('=')[0]];
const isSecure = ({ headers }: Answer) => (headers['set-cookie']?.[0] ?? '').endsWith('; Secure');

await t.test('what a trusted proxy says of its client counts, for the name and for Secure', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  for (const name of ['__Host-id', 'id']) {
    const trusting = await startProxy(t, named(upstream.url, name, 'trustedProxies: [loopback]'), {
      'flags.yaml': toOne,
    });
    const ask = (proto?: string) =>
      request(trusting.port, '/fact/', {
        headers: { ...(proto !== undefined && { 'x-forwarded-proto': proto }), 'x-request-id': `${proto}` },
      });
    for (const proto of ['https', 'HTTPS', 'https, http', ' https,http']) {
      const answer = await ask(proto);
      t.same([whose(answer), isSecure(answer)], [['1', name], true], `${name}, ${proto}`);
    }
    for (const proto of ['http', 'http, https', 'httpss', '', undefined]) {
      const answer = await ask(proto);
      t.same(
        [whose(answer), isSecure(answer)],
        [name === 'id' ? ['1', name] : ['0', undefined], false],
        `${name}, ${proto}`,
      );
    }
    t.match(await trusting.accessLine('http'), { reason: name === 'id' ? 'FALLTHROUGH' : 'NO_CONTEXT' });

    const [cookie = ''] = (await ask('https')).headers['set-cookie'] ?? [];
    t.match(cookie, /^(__Host-)?id=[\da-f-]{36}; Path=\/; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure$/);
    const again = await request(trusting.port, '/fact/', {
      headers: { 'x-forwarded-proto': 'https', cookie: cookie.split(';')[0] },
    });
    t.same(whose(again), ['1', undefined], 'and it is known by it from then on');
  }
});

await t.test(
  'by TLS to us it is given, whatever a stranger claims; a trusted proxy knows better',
  async (t) => {
    const upstream = await startUpstream(t, (_req, res) => res.end());
    for (const trusted of [false, true]) {
      const yaml = named(upstream.url, '__Host-id', trusted ? 'trustedProxies: [loopback]' : '');
      const listen = 'listen: { address: "127.0.0.1:0", tls: { cert: cert.pem, key: key.pem } }\n';
      const files = { 'flags.yaml': toOne, 'cert.pem': selfSigned.cert, 'key.pem': selfSigned.key };
      const { port } = await startProxy(t, listen + yaml, files);
      const ask = async (headers: Record<string, string>) => {
        const options = { host: '127.0.0.1', port, path: '/fact/', headers, agent: false };
        const req = https.get({ ...options, rejectUnauthorized: false });
        const [res] = (await once(req, 'response')) as [IncomingMessage];
        return readAnswer(res);
      };
      const answer = await ask({});
      t.same([whose(answer), isSecure(answer)], [['1', '__Host-id'], true]);
      const claimed = await ask({ 'x-forwarded-proto': 'http' });
      t.same(whose(claimed), trusted ? ['0', undefined] : ['1', '__Host-id'], `trusted: ${trusted}`);
    }
  },
);

await t.test('a stranger on a plain connection cannot have one by a claim', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const yaml = named(upstream.url, '__Host-id', 'trustedProxies: [192.0.2.1]');
  const { port } = await startProxy(t, yaml, { 'flags.yaml': toOne });
  const answer = await request(port, '/fact/', { headers: { 'x-forwarded-proto': 'https' } });
  t.same(whose(answer), ['0', undefined]);
});

const yaml = (cookie: string, more = '') => `
context: { user: {}, device: { anonymous: { cookie: ${cookie} } } }
upstreams: { a: { url: "http://127.0.0.1:1" } }
routes: [{ name: all, upstream: a }]
flags: { source: local, file: flags.yaml }
${more}`;

await t.test('a name that nobody could be given is a mistake', async (t) => {
  for (const prefix of prefixes) {
    t.same(await problemsOf(yaml(`${prefix}id`)), [
      '2:53 context.device.anonymous.cookie: browsers keep a cookie of this name from TLS alone, and nobody can be seen to speak it; set `listen.tls`, or name the proxy that does under `trustedProxies`',
    ]);
    t.same(await problemsOf(yaml(`${prefix}id`, 'trustedProxies: [private]')), []);
  }
  t.same(await problemsOf(yaml('id')), []);
});
