import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Limits } from '../config/schema.ts';
import type { RequestBody } from '../upstream/exchange.ts';
import { hasBody, watchedBody } from './body.ts';
import { requestHeaders } from './headers.ts';
import { Relay } from './relay.ts';
import { requestFacts, type Session } from './session.ts';
import { tunnelBody } from './upgrade.ts';

/** What all requests are forwarded with. */
export type ForwardParts = {
  limits: Limits;
  pseudonym: string;
  /** The header that carries the override, in lower case. */
  overrideHeader: string | undefined;
};

/**
 * Sends a decided request to its upstream and the answer back, both ways unbuffered and each way no faster than
 * the other side takes it. Every failure goes to `fail`, once.
 */
export function forward(
  req: IncomingMessage,
  res: ServerResponse,
  session: Session,
  parts: ForwardParts,
  fail: (error: unknown) => void,
): void {
  const { decision, target } = session;
  if (decision === undefined || target === undefined)
    return fail(new Error('forwarded before it was decided'));
  const { upstream } = decision;
  const body = bodyOf(req, res, session, parts, fail);
  session.exchange = upstream.pool.send(
    {
      method: req.method ?? 'GET',
      path: target.path === '*' ? '*' : upstream.basePath + target.path,
      headers: requestHeaders(req.rawHeaders, requestFacts(session, decision, req.headers.host, parts)),
    },
    body,
    new Relay(req, res, session, body, fail),
  );
}

function bodyOf(
  req: IncomingMessage,
  res: ServerResponse,
  session: Session,
  parts: ForwardParts,
  fail: (error: unknown) => void,
): RequestBody | undefined {
  if (session.upgrading) return tunnelBody(req.socket);
  return hasBody(req) ? watchedBody(req, res, parts, fail) : undefined;
}
