import { isAlert, UpstreamError, upstreamError } from './failure.ts';
import { bad } from './response-head.ts';

/** What is known of a request that failed: that it was not looked at, that not a byte of an answer came, or no more. */
export type Fate = 'unprocessed' | 'unheard' | 'unknown';

/** What ended a stream, and what that says of its request. */
export type Cause = { error: UpstreamError; fate: Fate };

/** Codes of RFC 9113 §7. */
const codes = { protocol: 1, refused: 7, http1Required: 13 };

/** `beyond`: GOAWAY has left the stream out. */
export function causeOfReset(code: number, beyond: boolean, error: Error | undefined): Cause {
  const told = error ?? new Error(`it reset the stream with ${code}`);
  if (beyond || code === codes.refused)
    return { error: new UpstreamError('reset', told), fate: 'unprocessed' };
  if (code === codes.http1Required) return { error: new UpstreamError('no_http2', told), fate: 'unknown' };
  // Node does not say which of the two has found it.
  if (code === codes.protocol)
    return { error: bad('what is no answer, or calls the request none'), fate: 'unknown' };
  return { error: new UpstreamError('reset', told), fate: 'unknown' };
}

/** Names what ended a connection: whether it stood for HTTP/2, and had served, says what it can have been. */
export function sessionError(error: unknown, stands: boolean, served: boolean): UpstreamError {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code.includes('NO_APPLICATION_PROTOCOL')) return new UpstreamError('no_http2', error);
  // What Node found to be no HTTP/2; an error of the session is one that the upstream tells of.
  if (code === 'ERR_HTTP2_ERROR') return new UpstreamError(stands ? 'bad_response' : 'no_http2', error);
  if (!stands && code !== 'ERR_HTTP2_SESSION_ERROR') return upstreamError(error);
  return isAlert(error) && !served ? upstreamError(error) : new UpstreamError('reset', error);
}
