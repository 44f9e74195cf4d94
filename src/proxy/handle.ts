import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Limits } from '../config/schema.ts';
import type { Identify } from '../identity/identify.ts';
import type { Outcome } from '../telemetry/outcome.ts';
import { upstreamError } from '../upstream/failure.ts';
import { decide, isPreflight, type Decision, type Evaluate } from './decide.ts';
import { problem, problemBytes, ProxyError, proxyError, statusOf, type ErrorCode } from './errors.ts';
import { forward, hasBody } from './forward.ts';
import { stampHeaders } from './headers.ts';
import type { Override } from './override.ts';
import { createPipeline } from './pipeline.ts';
import { findRoute, type Route } from './routes.ts';
import { openSession, outcomeOf, stampOf, type Session } from './session.ts';
import { hostName, parseTarget } from './target.ts';
import type { Client } from './trust.ts';
import { mendUpgrade } from './upgrade.ts';

/** What a request needs on its way. */
export type HandlerParts = {
  routes: readonly Route[];
  limits: Limits;
  override: Override | undefined;
  identify: Identify;
  evaluate: Evaluate;
  /** Called once for each request, at its end. */
  record: (outcome: Outcome) => void;
  /** Told of faults that are the proxy's own. */
  onFault: (error: ProxyError, session: Session) => void;
};

export type Handler = {
  request(req: IncomingMessage, res: ServerResponse, client: Client): Promise<void>;
  upgrade(req: IncomingMessage, socket: Socket, head: Buffer, client: Client): Promise<void>;
};

/** The life of a request, top to bottom. */
export function createHandler(parts: HandlerParts): Handler {
  const overrideHeader = parts.override?.header;
  const pipeline = createPipeline({
    forward: (req, res, session, fail) => forward(req, res, session, overrideHeader, fail),
    mendUpgrade: (proxyReq, req, socket, session) =>
      mendUpgrade(proxyReq, req, socket, session, overrideHeader),
    onError: (error, session, to) => giveUp(upstreamError(error), session, to, parts.onFault),
  });

  return {
    async request(req, res, client) {
      const session = openSession(req, client);
      const { socket } = req;
      let over = false;
      const finish = () => {
        if (over) return;
        over = true;
        socket.off('close', finish);
        if (!res.writableFinished) {
          session.error ??= new ProxyError('client_closed');
          res.destroy();
        }
        session.exchange?.abort();
        parts.record(outcomeOf(session, req, socket));
      };
      res.on('close', finish);
      // A pipelined request whose turn has not come never hears that the connection is gone.
      socket.on('close', finish);
      try {
        // One at a time: pipelining must not take more of an upstream than a connection's worth.
        if (client.busy > 1) await new Promise<void>((resolve) => client.waiting.push(resolve));
        const decision = await prepare(req, session, parts);
        // The client may have left meanwhile.
        if (!res.destroyed) pipeline.web(req, res, session, decision.upstream);
      } catch (error) {
        giveUp(error, session, res, parts.onFault);
      }
    },

    async upgrade(req, socket, head, client) {
      const session = openSession(req, client);
      socket.once('close', () => {
        if (session.status === 0) session.error ??= new ProxyError('client_closed');
        session.exchange?.abort();
        parts.record(outcomeOf(session, req, socket));
      });
      try {
        const decision = await prepare(req, session, parts);
        if (!socket.destroyed) pipeline.ws(req, socket, head, session, decision.upstream);
      } catch (error) {
        giveUp(error, session, socket, parts.onFault);
      }
    },
  };
}

/** Everything before the first byte to an upstream. Throws a ProxyError for a request that cannot be served. */
function prepare(req: IncomingMessage, session: Session, parts: HandlerParts): Promise<Decision> | Decision {
  const { method = 'GET', url = '' } = req;
  const refused = refuseHead(req, parts.limits);
  if (refused !== undefined) throw new ProxyError(refused);

  const target = parseTarget(url);
  if (target === undefined || !isHost(target.authority ?? '')) throw new ProxyError('bad_target');
  session.target = target;

  const route = findRoute(
    parts.routes,
    target.pathname,
    hostName(target.authority ?? req.headers.host ?? ''),
    method,
  );
  if (route === undefined) throw new ProxyError('no_route');
  session.route = route;

  if (route.kind === 'plain')
    return (session.decision = { version: undefined, upstream: route.upstream, reason: 'ROUTE' });

  const preflight = isPreflight(method, req.headers);
  const pinned = parts.override?.pinned(req.headers);
  const identity = preflight ? undefined : parts.identify({ url: target.path, headers: req.headers });
  session.minted = identity?.minted ?? [];
  return decide(route, { preflight, pinned, context: identity?.context }, parts.evaluate).then(
    (decision) => (session.decision = decision),
  );
}

/** Node drops headers past its own limit without a word, so ours counts them; and Host decides routes. */
function refuseHead(req: IncomingMessage, limits: Limits): ErrorCode | undefined {
  const { rawHeaders } = req;
  if (req.httpVersionMajor !== 1) return 'bad_version';
  if (rawHeaders.length / 2 > limits.headerCount) return 'too_many_headers';
  if ((req.url?.length ?? 0) > limits.uriBytes) return 'uri_too_long';
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  if (hosts > 1 || (hosts === 0 && req.httpVersion === '1.1')) return 'bad_host';
  return hosts === 0 || isHost(req.headers.host ?? '') ? undefined : 'bad_host';
}

/** `uri-host [ ":" port ]` of RFC 9110 §7.2, or nothing at all. */
const isHost = (text: string) => /^((\[[\da-fA-F:.]+\]|[\w.~!$&'()*+,;=%-]*)(:\d*)?)?$/.test(text);

/** The end of a request that failed: an answer while that is possible, a cut once the head is out. */
function giveUp(
  failure: unknown,
  session: Session,
  to: ServerResponse | Socket,
  onFault: HandlerParts['onFault'],
): void {
  if (session.error !== undefined) return;
  // A failure after the client has gone is the client's going.
  const error = to.destroyed ? new ProxyError('client_closed', failure) : proxyError(failure);
  session.error = error;
  if (error.source === 'self') onFault(error, session);
  if (session.status !== 0) return void to.destroy();
  session.status = statusOf(error.code);
  const stamp = stampHeaders(stampOf(session));
  if ('writeHead' in to) {
    const { status, headers, body } = problem(error.code, session.id);
    // What is left of a request body would be read as the next request.
    if (!to.req.complete && hasBody(to.req)) headers.push('Connection', 'close');
    to.writeHead(status, [...headers, ...stamp]);
    to.end(body);
  } else {
    to.write(problemBytes(error.code, session.id, stamp));
    to.destroySoon();
  }
}
