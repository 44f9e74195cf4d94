import { join } from 'node:path';
import { Readable } from 'node:stream';
import t, { type Test } from 'tap';
import { authority } from '../support/authority.ts';
import { openPool, send } from '../support/exchange.ts';
import { startHttp2Upstream } from '../support/http2-upstream.ts';
import { startTlsUpstream } from '../support/tls-upstream.ts';

const ours = authority();

/** A pool that believes in our authority. */
function open(t: Test, url: string, more: Record<string, string> = {}) {
  const folder = t.testdir({ ca: ours.cert, ...more });
  const paths = Object.fromEntries(Object.keys(more).map((name) => [name, join(folder, name)]));
  return openPool(t, url, { http2: true, tls: { ca: join(folder, 'ca'), ...paths } });
}

await t.test('HTTP/2 is chosen by ALPN', async (t) => {
  const upstream = await startHttp2Upstream(
    t,
    (stream) => {
      stream.respond({});
      stream.pipe(stream);
    },
    { ...ours.issue(), allowHTTP1: true },
  );
  const pool = open(t, upstream.url);
  const body = { framing: 'chunked' as const, stream: Readable.from([Buffer.from('hello')]) };
  t.match(await send(pool, { method: 'POST' }, body).done, { status: 200, body: 'hello', error: undefined });
  t.equal(upstream.seen[0]?.headers[':scheme'], 'https');
});

await t.test('an upstream that does not agree to it', async (t) => {
  const ways = {
    'chooses none': {},
    'has but HTTP/1.1 to choose': { ALPNProtocols: ['http/1.1'] },
  };
  for (const [what, options] of Object.entries(ways)) {
    const { url } = await startTlsUpstream(t, { ...ours.issue(), ...options });
    t.match(await send(open(t, url)).done, { events: ['error'], error: 'no_http2' }, what);
  }
});

await t.test('it is verified as any other', async (t) => {
  const expired = await startHttp2Upstream(t, (stream) => stream.respond({}), ours.issue({ expired: true }));
  t.match(await send(open(t, expired.url)).done, { error: 'tls_expired' });
  const foreign = await startHttp2Upstream(t, (stream) => stream.respond({}), authority('Foreign').issue());
  t.match(await send(open(t, foreign.url)).done, { error: 'tls_unknown_authority' });
  t.equal(expired.seen.length + foreign.seen.length, 0);
});

await t.test('it may ask who we are', async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => stream.respond({}, { endStream: true }), {
    ...ours.issue(),
    ca: ours.cert,
    requestCert: true,
  });
  upstream.server.on('tlsClientError', () => {});
  t.match(await send(open(t, upstream.url)).done, { error: 'tls_refused' });
  t.match(await send(open(t, upstream.url, ours.issue())).done, { status: 200, error: undefined });
});
