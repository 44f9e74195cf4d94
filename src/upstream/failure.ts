/** What went wrong on the upstream's side, named for logs and metrics. */
export type FailureCode =
  | 'connect_refused'
  | 'connect_timeout'
  | 'connect_failed'
  | 'name_unknown'
  | 'tls_failed'
  | 'response_timeout'
  | 'idle_timeout'
  | 'reset'
  | 'bad_response'
  | 'request_cut'
  | 'shutting_down'
  | 'internal';

/** A failed exchange with an upstream. `cause` is the library's error, for the log alone. */
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
  UND_ERR_CONNECT_TIMEOUT: 'connect_timeout',
  ENOTFOUND: 'name_unknown',
  EAI_AGAIN: 'name_unknown',
  EHOSTUNREACH: 'connect_failed',
  ENETUNREACH: 'connect_failed',
  EADDRNOTAVAIL: 'connect_failed',
  EMFILE: 'connect_failed',
  UND_ERR_HEADERS_TIMEOUT: 'response_timeout',
  UND_ERR_BODY_TIMEOUT: 'idle_timeout',
  UND_ERR_SOCKET: 'reset',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  UND_ERR_HEADERS_OVERFLOW: 'bad_response',
  ERR_ASSERTION: 'bad_response', // undici asserts on answers that cannot be, such as a bare 101
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'reset',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'request_cut',
  UND_ERR_ABORTED: 'request_cut',
  UND_ERR_CLOSED: 'shutting_down',
  UND_ERR_DESTROYED: 'shutting_down',
};

/** Names an error of Node's or undici's. Several attempts at one address come as an AggregateError. */
export function upstreamError(error: unknown): UpstreamError {
  if (error instanceof UpstreamError) return error;
  // undici gives its parser's errors a code only for some.
  if (error instanceof Error && error.name === 'HTTPParserError')
    return new UpstreamError('bad_response', error);
  const code = codeOf(error) ?? (error instanceof AggregateError ? codeOf(error.errors[0]) : undefined) ?? '';
  return new UpstreamError(codes[code] ?? guess(code), error);
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function guess(code: string): FailureCode {
  if (code.startsWith('HPE_')) return 'bad_response'; // Node's parser, for upgrades
  if (/CERT|TLS|SSL|ALTNAME|SELF_SIGNED|UNABLE_TO/.test(code)) return 'tls_failed';
  return 'internal';
}
