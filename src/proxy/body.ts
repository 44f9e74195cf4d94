import type { Limits } from '../config/schema.ts';
import type { RequestBody } from '../upstream/exchange.ts';
import { ProxyError } from './errors.ts';
import type { Request, Response } from './message.ts';
import { requestTrailers } from './trailers.ts';

export function hasBody({ headers }: Request): boolean {
  const { 'transfer-encoding': coding, 'content-length': length } = headers;
  return coding !== undefined || (length !== undefined && length !== '0');
}

/** Whether the client waits for 100 (Continue) before it sends its body. */
export const expectsContinue = ({ headers }: Request): boolean =>
  headers.expect?.toLowerCase() === '100-continue';

/** Whether a body is larger than allowed by its own account. */
export const isDeclaredTooLarge = ({ headers }: Request, { bodyBytes }: Limits): boolean =>
  Number(headers['content-length'] ?? 0) > bodyBytes;

/**
 * A request's body within its limits: one in chunks is counted as it passes, and a client that falls silent is given
 * up on. Time in which nobody reads is not the client's. A limit that is exceeded goes to `fail`.
 */
export function watchedBody(
  req: Request,
  res: Response,
  { limits, overrideHeader }: { limits: Limits; overrideHeader: string | undefined },
  fail: (error: ProxyError) => void,
): RequestBody {
  const { bodyBytes, bodyIdleTimeout } = limits;
  const { stream } = req;
  let received = 0;
  let movedAt = performance.now();
  let timer: NodeJS.Timeout;
  const body: RequestBody = {
    framing: req.headers['transfer-encoding'] === undefined ? 'length' : 'chunked',
    stream,
    held: expectsContinue(req),
    onChunk(chunk) {
      received += chunk.length;
      movedAt = performance.now();
      if (received > bodyBytes) fail(new ProxyError('body_too_large'));
    },
    onContinue() {
      body.held = false;
      movedAt = performance.now();
    },
    trailers: () => requestTrailers(req.rawTrailers, req.rawHeaders, overrideHeader),
  };
  const look = () => {
    const waits = body.held === true || stream.readableFlowing !== true;
    const left = waits ? bodyIdleTimeout : movedAt + bodyIdleTimeout - performance.now();
    if (left > 0) timer = setTimeout(look, left);
    else fail(new ProxyError('body_timeout'));
  };
  timer = setTimeout(look, bodyIdleTimeout);
  const stop = () => clearTimeout(timer);
  stream.once('end', stop).on('resume', () => (movedAt = performance.now()));
  // A body that is given up on never ends.
  res.once('close', stop);
  return body;
}
