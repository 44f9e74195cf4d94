import t from 'tap';
import { sendRaw } from '../support/client.ts';
import { asks, headOf, startBefore, startReplier, valuesOf } from '../support/peers.ts';
import { clientProtocol } from '../support/proxy.ts';

const upstream = await startReplier(t);
const proxy = await startBefore(t, upstream.url);
const trusting = await startBefore(t, upstream.url, { more: 'trustedProxies: [loopback]' });

/** What the upstream sees of a GET with these fields. */
async function forwarded(port: number, path: string, ...fields: string[]) {
  await sendRaw(port, asks(`GET ${path} HTTP/1.1`, 'Connection: close', ...fields), false);
  return headOf(upstream.heads.at(-1) ?? '').fields;
}

const chain = ['X-Forwarded-For: 6.6.6.6, 7.7.7.7', 'x-forwarded-FOR: 8.8.8.8'];

await t.test('35 X-Forwarded-For of a stranger is replaced', async (t) => {
  for (const path of ['/fact/', '/plain']) {
    t.same(
      valuesOf(await forwarded(proxy.port, path), 'X-Forwarded-For'),
      ['127.0.0.1'],
      'written when absent',
    );
    const seen = await forwarded(proxy.port, path, ...chain);
    t.same(valuesOf(seen, 'X-Forwarded-For'), ['127.0.0.1'], path);
  }
});

await t.test('35 That of a trusted proxy is kept whole, and its address appended', async (t) => {
  t.same(valuesOf(await forwarded(trusting.port, '/fact/'), 'X-Forwarded-For'), ['127.0.0.1']);
  const seen = await forwarded(trusting.port, '/fact/', ...chain);
  t.same(valuesOf(seen, 'X-Forwarded-For'), ['6.6.6.6, 7.7.7.7, 8.8.8.8, 127.0.0.1']);
});

// CGI, WSGI and PHP turn `-` and `_` into the same character: the second spelling would be believed as the first.
const spoofed = [
  'Forwarded: for=6.6.6.6;host=evil.example',
  'forwarded: for=9.9.9.9',
  'X-Forwarded-Host: evil.example',
  'x-forwarded-host: worse.example',
  'X-FORWARDED-PROTO: gopher',
  'X-Forwarded-Port: 1',
  'X-Forwarded-Prefix: /evil',
  'X-Forwarded-Server: evil',
  'X_Forwarded_For: 6.6.6.6',
  'X-Forwarded_Host: evil.example',
  'X_Api_Version: 9',
  'X-Api-Version: 9',
];

await t.test('36 A spoofed Forwarded and every X-Forwarded-* are replaced', async (t) => {
  for (const path of ['/fact/', '/plain']) {
    const seen = await forwarded(proxy.port, path, ...spoofed);
    t.notMatch(seen.join('\n'), /6\.6\.6\.6|9\.9\.9\.9|evil|worse|gopher/, 'nothing of it arrives');
    t.notMatch(seen.join('\n'), /^(forwarded|x-forwarded-(port|prefix|server)|\w*_\w*):/im);
    t.same(valuesOf(seen, 'X-Forwarded-Host'), ['a']);
    t.same(valuesOf(seen, 'X-Forwarded-Proto'), [clientProtocol]);
    t.same(valuesOf(seen, 'X-Api-Version'), path === '/fact/' ? ['0'] : [], 'no version but the one chosen');
  }
});

await t.test('36 What a trusted proxy says of the client is passed on', async (t) => {
  const said = ['X-Forwarded-Host: shop.example', 'X-Forwarded-Proto: https', 'X-Forwarded-Port: 443'];
  const seen = await forwarded(
    trusting.port,
    '/fact/',
    ...said,
    'Forwarded: for=6.6.6.6',
    'X-Api-Version: 9',
  );
  for (const field of said) t.ok(seen.includes(field), field);
  t.same(valuesOf(seen, 'Forwarded'), ['for=6.6.6.6']);
  t.same(valuesOf(seen, 'X-Api-Version'), ['0'], 'but of the version it says nothing');
});
