import { STATUS_CODES } from 'node:http';
import type { FailureSource } from '../telemetry/outcome.ts';
import { UpstreamError, type FailureCode } from '../upstream/failure.ts';
import { fieldLines } from '../upstream/field-line.ts';
import type { HeaderList } from './headers.ts';

/** A request that could not be served: what happened, and who is to blame. */
export class ProxyError extends Error {
  readonly code: ErrorCode;
  readonly source: FailureSource;
  /** Whether the request itself was at fault, so that what comes behind it on its connection is not to be trusted. */
  readonly refused: boolean;

  constructor(code: ErrorCode, cause?: unknown) {
    super(code, { cause });
    this.name = 'ProxyError';
    this.code = code;
    this.source = table[code].source;
    this.refused = this.source === 'downstream' && code !== 'no_route';
  }
}

export type ErrorCode =
  | FailureCode
  | 'client_closed'
  | 'bad_request'
  | 'bad_target'
  | 'bad_host'
  | 'bad_version'
  | 'too_many_headers'
  | 'head_too_large'
  | 'head_timeout'
  | 'bad_proxy_header'
  | 'uri_too_long'
  | 'no_route'
  | 'method_unknown'
  | 'body_timeout'
  | 'body_too_large'
  | 'loop'
  | 'rolled_back'
  | 'too_many_connections'
  | 'too_demanding';

/** `told` is what a client is told in its place, who need not know more. */
type Row = { status: number; source: FailureSource; title: string; told?: ErrorCode };

/** Why is for the log. */
const untrusted: Row = {
  status: 502,
  source: 'upstream',
  title: 'The upstream could not be trusted',
  told: 'tls_failed',
};

/** The one table from a failure to the answer. 499, as nginx has it, is never sent: nobody is there. */
const table: Record<ErrorCode, Row> = {
  client_closed: { status: 499, source: 'downstream', title: 'The client closed the connection' },
  bad_request: { status: 400, source: 'downstream', title: 'The request is malformed' },
  bad_target: { status: 400, source: 'downstream', title: 'The request target is malformed' },
  bad_host: { status: 400, source: 'downstream', title: 'The Host header is missing, repeated or malformed' },
  bad_version: { status: 505, source: 'downstream', title: 'This version of HTTP is not spoken here' },
  too_many_headers: { status: 431, source: 'downstream', title: 'The request has too many headers' },
  head_too_large: { status: 431, source: 'downstream', title: 'The request head is too large' },
  head_timeout: { status: 408, source: 'downstream', title: 'The request head did not arrive in time' },
  bad_proxy_header: {
    status: 400,
    source: 'downstream',
    title: 'The PROXY protocol header is missing or malformed',
  },
  uri_too_long: { status: 414, source: 'downstream', title: 'The request target is too long' },
  method_unknown: { status: 501, source: 'downstream', title: 'The method is not served here' },
  body_timeout: { status: 408, source: 'downstream', title: 'The request body did not arrive in time' },
  body_too_large: { status: 413, source: 'downstream', title: 'The request body is too large' },
  loop: { status: 508, source: 'self', title: 'The request has been here before' },
  no_route: { status: 404, source: 'downstream', title: 'No route matches the request' },
  rolled_back: { status: 503, source: 'self', title: 'The version that served this was rolled back' },
  too_many_connections: { status: 503, source: 'self', title: 'Too many connections' },
  too_demanding: { status: 429, source: 'downstream', title: 'The client asks for too much at once' },
  connect_refused: { status: 502, source: 'upstream', title: 'The upstream refused the connection' },
  connect_timeout: { status: 504, source: 'upstream', title: 'The upstream could not be reached in time' },
  connect_failed: { status: 502, source: 'upstream', title: 'The upstream could not be reached' },
  name_unknown: { status: 502, source: 'upstream', title: 'The upstream could not be found' },
  tls_failed: untrusted,
  tls_expired: untrusted,
  tls_unknown_authority: untrusted,
  tls_wrong_name: untrusted,
  tls_refused: untrusted,
  no_http2: { status: 502, source: 'upstream', title: 'The upstream does not speak HTTP/2' },
  no_tunnel: { status: 502, source: 'upstream', title: 'The upstream takes no tunnels over HTTP/2' },
  response_timeout: { status: 504, source: 'upstream', title: 'The upstream did not answer in time' },
  idle_timeout: { status: 504, source: 'upstream', title: 'The upstream fell silent' },
  client_stalled: { status: 499, source: 'downstream', title: 'The client did not read' },
  reset: { status: 502, source: 'upstream', title: 'The upstream closed the connection' },
  bad_response: { status: 502, source: 'upstream', title: 'The upstream sent a malformed response' },
  upstream_busy: { status: 503, source: 'upstream', title: 'The upstream has no connection free' },
  too_many_tunnels: { status: 503, source: 'upstream', title: 'The upstream has too many tunnels' },
  request_cut: { status: 400, source: 'downstream', title: 'The request body was cut short' },
  shutting_down: { status: 503, source: 'self', title: 'The proxy is shutting down' },
  exhausted: { status: 503, source: 'self', title: 'The proxy has no connections left' },
  internal: { status: 500, source: 'self', title: 'The proxy failed' },
};

/** Names whatever was thrown. A fault of ours becomes `internal`, with its cause for the log. */
export function proxyError(error: unknown): ProxyError {
  if (error instanceof ProxyError) return error;
  if (error instanceof UpstreamError) return new ProxyError(error.code, error.cause);
  return new ProxyError('internal', error);
}

export type Problem = { status: number; headers: HeaderList; body: string };

/** The answer for a failure (RFC 9457): never a stack, never an upstream's address. */
export function problem(code: ErrorCode, requestId: string | undefined): Problem {
  const { status, title, told = code } = table[code];
  const type = `urn:problem-type:trenchcoat:${told.replaceAll('_', '-')}`;
  const body = `${JSON.stringify({ type, title, status, requestId })}\n`;
  const headers = [
    'Content-Type',
    'application/problem+json',
    'Content-Length',
    `${Buffer.byteLength(body)}`,
  ];
  if (status === 503) headers.push('Retry-After', '1');
  return { status, headers, body };
}

export const statusOf = (code: ErrorCode): number => table[code].status;

/** A whole answer as bytes, for a socket that has no response object; it says that the connection ends. */
export function problemBytes(code: ErrorCode, requestId: string | undefined, extra: HeaderList = []): string {
  const { status, headers, body } = problem(code, requestId);
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`;
  return `${headText(line, [...headers, ...extra, 'Connection', 'close'])}${body}`;
}

/** A request or response head, from its first line and a header list. */
export const headText = (firstLine: string, headers: HeaderList): string =>
  `${firstLine}\r\n${fieldLines(headers)}\r\n`;
