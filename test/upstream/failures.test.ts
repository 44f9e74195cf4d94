import t from 'tap';
import { upstreamError } from '../../src/upstream/failure.ts';
import { openPool, send } from '../support/exchange.ts';
import { startRawUpstream, unusedPort } from '../support/upstream.ts';

const named = (code: string) => Object.assign(new Error(code), { code });

// A firewall that rejects says EPERM or EHOSTDOWN. Taken for a fault of ours that was a 500, which is logged as our
// fault and counted against nobody.
await t.test('whatever keeps us from an upstream has a name', (t) => {
  const table: Record<string, string[]> = {
    connect_refused: ['ECONNREFUSED'],
    connect_timeout: ['ETIMEDOUT'],
    connect_failed: ['EHOSTUNREACH', 'ENETUNREACH', 'EPERM', 'EACCES', 'EHOSTDOWN', 'ENETDOWN'],
    // Taken for the upstream's, a proxy out of descriptors blamed whichever version had no connection yet.
    exhausted: ['EMFILE', 'ENFILE', 'ENOBUFS', 'EADDRNOTAVAIL'],
    name_unknown: ['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA'],
    reset: ['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ENETRESET'],
    tls_failed: ['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'INVALID_CA', 'CRL_HAS_EXPIRED'],
    tls_expired: ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'],
    tls_unknown_authority: ['DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    tls_wrong_name: ['ERR_TLS_CERT_ALTNAME_INVALID', 'HOSTNAME_MISMATCH'],
    tls_refused: ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE'],
    internal: ['ERR_INVALID_ARG_TYPE', ''],
  };
  for (const [failure, codes] of Object.entries(table))
    for (const code of codes) t.equal(upstreamError(named(code)).code, failure, code);
  t.equal(upstreamError(new TypeError('a fault of ours')).code, 'internal');
  t.equal(
    upstreamError(new AggregateError([named('ECONNREFUSED'), named('ENETUNREACH')])).code,
    'connect_refused',
  );
  t.end();
});

await t.test('what happens on a socket has one of those names', async (t) => {
  const reset = await startRawUpstream(t, (socket) => socket.once('data', () => socket.resetAndDestroy()));
  const ending = await startRawUpstream(t, (socket) => socket.once('data', () => socket.end()));
  const failures = [
    [`http://127.0.0.1:${await unusedPort()}`, 'connect_refused'],
    ['http://nowhere.invalid', 'name_unknown'],
    [reset.url, 'reset'],
    [ending.url, 'reset'],
  ] as const;
  for (const [url, error] of failures)
    t.match(
      await send(openPool(t, url)).done,
      { events: ['error'], error, timings: { firstByte: undefined } },
      error,
    );
});
