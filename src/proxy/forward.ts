import type { Limits, TraceStart } from '../config/schema.ts';
import type { Propagated } from '../telemetry/trace.ts';
import type { RequestBody } from '../upstream/exchange.ts';
import { hasBody, watchedBody } from './body.ts';
import { requestHeaders } from './headers.ts';
import type { Request, Response } from './message.ts';
import { Relay } from './relay.ts';
import type { Upstream } from './routes.ts';
import { requestFacts, type Session } from './session.ts';
import type { Target } from './target.ts';
import { startTrace } from './traceparent.ts';
import { upstreamPath } from './target.ts';
import { tunnelBody } from './upgrade.ts';

/** What all requests are forwarded with. */
export type ForwardParts = {
  limits: Limits;
  pseudonym: string;
  /** The header that carries the override, in lower case. */
  overrideHeader: string | undefined;
  /** Whether a trace is started for a request that has none. */
  startTraces: TraceStart;
};

/**
 * Sends a decided request to its upstream and the answer back, both ways unbuffered and each way no faster than
 * the other side takes it. Every failure goes to `fail`, once.
 */
export function forward(
  req: Request,
  res: Response,
  session: Session,
  parts: ForwardParts,
  fail: (error: unknown) => void,
): void {
  const { decision, target } = session;
  if (decision === undefined || target === undefined)
    return fail(new Error('forwarded before it was decided'));
  const { upstream } = decision;
  const { method = 'GET' } = req;
  const body = bodyOf(req, res, session, parts, fail);
  const propagated = propagate(session, method, upstream, target, parts.startTraces);
  const facts = requestFacts(session, decision, req.headers.host, propagated, parts);
  session.exchange = upstream.pool.send(
    {
      method,
      path: upstreamPath(upstream.basePath, target),
      headers: requestHeaders(req.rawHeaders, facts),
    },
    body,
    new Relay(req, res, session, body, fail),
  );
}

function bodyOf(
  req: Request,
  res: Response,
  session: Session,
  parts: ForwardParts,
  fail: (error: unknown) => void,
): RequestBody | undefined {
  if (session.upgrading) return tunnelBody(res.tunnel);
  return hasBody(req) ? watchedBody(req, res, parts, fail) : undefined;
}

/** What tells the upstream of the trace; undefined to pass on what the client sent. */
function propagate(
  session: Session,
  method: string,
  { url, basePath }: Upstream,
  { pathname }: Target,
  start: TraceStart,
): Propagated | undefined {
  const { trace } = session;
  if (trace !== undefined) return trace.forwarding(method, url, pathname === '*' ? '' : basePath + pathname);
  if (start === 'off' || session.traceId !== undefined) return undefined;
  const { id, propagated } = startTrace(start);
  session.traceId = id;
  return propagated;
}
