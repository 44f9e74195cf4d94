/** What went wrong on the upstream's side, named for logs and metrics. */
export type FailureCode =
  | 'connect_refused'
  | 'connect_timeout'
  | 'connect_failed'
  | 'name_unknown'
  | 'tls_expired'
  | 'tls_unknown_authority'
  | 'tls_wrong_name'
  | 'tls_refused'
  | 'tls_failed'
  | 'no_http2'
  | 'no_tunnel'
  | 'response_timeout'
  | 'idle_timeout'
  | 'client_stalled'
  | 'reset'
  | 'bad_response'
  | 'request_cut'
  | 'upstream_busy'
  | 'too_many_tunnels'
  | 'shutting_down'
  | 'exhausted'
  | 'internal';

/** A failed exchange with an upstream. `cause` is for the log alone. */
export class UpstreamError extends Error {
  readonly code: FailureCode;

  constructor(code: FailureCode, cause?: unknown) {
    super(code, { cause });
    this.name = 'UpstreamError';
    this.code = code;
  }
}

const codes: Record<string, FailureCode> = {
  ECONNREFUSED: 'connect_refused',
  ETIMEDOUT: 'connect_timeout',
  ENOTFOUND: 'name_unknown',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  ENETRESET: 'reset',
  EPIPE: 'reset',
  EPROTO: 'tls_failed',
  CERT_HAS_EXPIRED: 'tls_expired',
  CERT_NOT_YET_VALID: 'tls_expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls_unknown_authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls_unknown_authority',
  UNABLE_TO_GET_ISSUER_CERT: 'tls_unknown_authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls_unknown_authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls_unknown_authority',
  // An authority of the same name, with another key.
  CERT_SIGNATURE_FAILURE: 'tls_unknown_authority',
  CERT_UNTRUSTED: 'tls_unknown_authority',
  CERT_REJECTED: 'tls_unknown_authority',
  ERR_TLS_CERT_ALTNAME_INVALID: 'tls_wrong_name',
  HOSTNAME_MISMATCH: 'tls_wrong_name',
  // What this machine or process has no more of is no fault of whom it would have connected to.
  EMFILE: 'exhausted',
  ENFILE: 'exhausted',
  ENOBUFS: 'exhausted',
  ENOMEM: 'exhausted',
  EADDRNOTAVAIL: 'exhausted',
};

/** Names an error of Node's. Several attempts at one address come as an AggregateError. */
export function upstreamError(error: unknown): UpstreamError {
  if (error instanceof UpstreamError) return error;
  if (isAlert(error)) return new UpstreamError('tls_refused', error);
  const code = codeOf(error) ?? (error instanceof AggregateError ? codeOf(error.errors[0]) : undefined) ?? '';
  return new UpstreamError(codes[code] ?? guess(code), error);
}

/** Whether the other end of a TLS connection has ended it with a word of why. */
export const isAlert = (error: unknown): boolean =>
  error instanceof Error &&
  (/_ALERT_/.test(codeOf(error) ?? '') || error.message.includes('SSL alert number'));

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Codes are many: what the system calls an error is a way not to reach an upstream, and no fault of ours. */
function guess(code: string): FailureCode {
  if (/CERT|TLS|SSL|ALTNAME|SELF_SIGNED|UNABLE_TO|^(INVALID|HOSTNAME|PATH|CRL)_/.test(code))
    return 'tls_failed';
  if (code.startsWith('EAI_')) return 'name_unknown';
  return /^E[A-Z\d]+$/.test(code) ? 'connect_failed' : 'internal';
}
