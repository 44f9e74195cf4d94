import type { Limits, TraceStart } from '../config/schema.ts';
import type { EvaluationContext } from '../identity/context.ts';
import type { Identify } from '../identity/identify.ts';
import type { Outcome } from '../telemetry/outcome.ts';
import type { Tracing } from '../telemetry/trace.ts';
import { hasBody, isDeclaredTooLarge } from './body.ts';
import { decide, isPreflight, type Decision, type Evaluate } from './decide.ts';
import { problem, ProxyError, proxyError, statusOf, type ErrorCode } from './errors.ts';
import { forward } from './forward.ts';
import { stampHeaders } from './headers.ts';
import type { Request, Response } from './message.ts';
import type { Override } from './override.ts';
import { createPipeline } from './pipeline.ts';
import type { FindRoute } from './find-route.ts';
import type { Route } from './routes.ts';
import { endTrace, openSession, outcomeOf, stampOf, type Session } from './session.ts';
import { hostName, parseTarget, pathToRoute } from './target.ts';
import type { Client } from './trust.ts';

/** What a request needs on its way. */
export type HandlerParts = {
  findRoute: FindRoute;
  limits: Limits;
  override: Override | undefined;
  /** What this instance calls itself to upstreams, and knows itself by. */
  pseudonym: string;
  /** Undefined where no SDK is there to trace with. */
  tracing: Tracing | undefined;
  /** Whether a trace is started for a request that has none, without an SDK. */
  startTraces: TraceStart;
  identify: Identify;
  evaluate: Evaluate;
  /** Whether the guard has taken everybody back from what a flag says. */
  tripped: (flag: string) => boolean;
  /** Told of each decision, as it is made: for which route, and for whom, if a flag chose for somebody. */
  decided: (route: Route, decision: Decision, context: EvaluationContext | undefined) => void;
  /** Called once for each request, at its end: with whom a flag chose the version for, if one did. */
  record: (outcome: Outcome, context?: EvaluationContext) => void;
  /** Told of faults that are the proxy's own. */
  onFault: (error: ProxyError, session: Session) => void;
};

/** Serves a request; `upgrading` one that asks for a tunnel, whose connection is the response's alone. */
export type Handler = (req: Request, res: Response, client: Client, upgrading?: boolean) => void;

/** The life of a request, top to bottom. */
export function createHandler(parts: HandlerParts): Handler {
  const forwarding = {
    limits: parts.limits,
    pseudonym: parts.pseudonym,
    overrideHeader: parts.override?.header,
    startTraces: parts.startTraces,
  };
  const pipeline = createPipeline({
    forward: (req, res, session, fail) => forward(req, res, session, forwarding, fail),
    onError: (error, session, res) => giveUp(error, session, res, parts.onFault),
  });

  return (req, res, client, upgrading = false) => {
    const session = openSession(req, client, upgrading, parts.tracing);
    const { socket } = req;
    let over = false;
    let forget: (() => void) | undefined;
    const fail = (error: unknown) => giveUp(error, session, res, parts.onFault);
    const finish = () => {
      if (over) return;
      over = true;
      if (waited) socket.off('close', finish);
      forget?.();
      if (!res.writableFinished && session.status !== 101) {
        session.error ??= new ProxyError('client_closed');
        res.destroy();
      }
      session.exchange?.abort();
      const outcome = outcomeOf(session, req, socket);
      parts.record(outcome, session.context);
      if (session.trace !== undefined) endTrace(session.trace, session, outcome);
    };
    const go = (decision: Decision) => {
      // The client may have left meanwhile.
      if (over) return;
      session.decision = decision;
      session.trace?.decided(decision);
      // No flag chose for them.
      if (decision.reason === 'OVERRIDE' || decision.reason === 'GUARD') session.context = undefined;
      if (session.route !== undefined) parts.decided(session.route, decision, session.context);
      forget = remember(session, decision, () => fail(new ProxyError('rolled_back')));
      if (!res.destroyed) pipeline(req, res, session, decision.upstream);
    };
    const serve = () => {
      // The answer before it may have been the last, by Node's choice, too.
      if (client.last || !socket.writable) return;
      try {
        const decision = prepare(req, session, parts);
        if (decision instanceof Promise) decision.then(go).catch(fail);
        else go(decision);
      } catch (error) {
        fail(error);
      }
    };
    res.on('close', finish);
    // One at a time: pipelining must not take more of an upstream than a connection's worth.
    const waited = client.busy > 1;
    if (!waited) return serve();
    // A request whose turn has not come never hears that the connection is gone.
    socket.on('close', finish);
    client.waiting.push(() => queueMicrotask(serve));
  };
}

/** Notes a request that a rollback may have to cut; how to forget it again. */
function remember({ route }: Session, decision: Decision, cut: () => void): (() => void) | undefined {
  if (route?.kind !== 'flag' || route.open === undefined || decision.version === undefined) return undefined;
  if (decision.reason !== 'FALLTHROUGH') return undefined;
  const { open } = route;
  const request = { version: decision.version, cut };
  open.add(request);
  return () => open.delete(request);
}

/** Everything before the first byte to an upstream. Throws a ProxyError for a request that cannot be served. */
function prepare(req: Request, session: Session, parts: HandlerParts): Promise<Decision> | Decision {
  const { method = 'GET', url = '' } = req;
  const refused = refuseHead(req, session, parts);
  if (refused !== undefined) throw new ProxyError(refused);

  const target = parseTarget(url, method);
  const host = hostName(target?.authority ?? req.headers.host ?? '');
  if (target === undefined || host === undefined) throw new ProxyError('bad_target');
  session.target = target;

  const route = parts.findRoute(pathToRoute(target), host, method);
  if (route === undefined) throw new ProxyError('no_route');
  session.route = route;

  if (route.kind === 'plain') {
    const { upstream } = route;
    return { version: undefined, upstream, reason: 'ROUTE', evaluation: undefined };
  }

  const preflight = isPreflight(method, req.headers);
  const pinned = parts.override?.pinned(req.headers);
  const identity = preflight
    ? undefined
    : parts.identify(
        { url: target.path, secure: session.secure, headers: req.headers },
        session.client.recent,
      );
  session.minted = identity?.minted ?? [];
  session.context = identity?.context;
  const tripped = parts.tripped(route.flag);
  const evaluate = session.trace?.deciding(route.flag, parts.evaluate) ?? parts.evaluate;
  return decide(route, { preflight, pinned, tripped, context: identity?.context }, evaluate);
}

/** Node drops headers past its own limit without a word, so ours counts them; and Host decides routes. */
function refuseHead(
  req: Request,
  { client, upgrading }: Session,
  { limits, pseudonym }: HandlerParts,
): ErrorCode | undefined {
  const { rawHeaders } = req;
  if (req.httpVersionMajor !== client.major) return 'bad_version';
  if (rawHeaders.length / 2 > limits.headerCount) return 'too_many_headers';
  if ((req.url?.length ?? 0) > limits.uriBytes) return 'uri_too_long';
  let hosts = 0;
  let codings = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
    if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') codings += 1;
  }
  if (hosts > 1 || (hosts === 0 && req.httpVersion === '1.1')) return 'bad_host';
  if (hosts === 1 && hostName(req.headers.host ?? '') === undefined) return 'bad_host';
  if (codings > 0 && (codings > 1 || !isChunked(req))) return 'bad_request';
  if (isDeclaredTooLarge(req, limits)) return 'body_too_large';
  // What follows a request for a tunnel is the tunnel's.
  if (upgrading && hasBody(req)) return 'bad_request';
  const { via } = req.headers;
  return via !== undefined && isNamed(pseudonym, via) ? 'loop' : undefined;
}

/** The one transfer coding there is for a request (RFC 9112 §6.1); Node's parser also takes a list that ends with it. */
const isChunked = ({ headers, httpVersion }: Request) =>
  httpVersion !== '1.0' && headers['transfer-encoding']?.toLowerCase() === 'chunked';

/** Whether a Via names an instance as one that the message went through (RFC 9110 §7.6.3). */
const isNamed = (pseudonym: string, via: string) =>
  via.split(',').some((hop) => hop.trim().split(/\s+/, 2)[1] === pseudonym);

/** The end of a request that failed: an answer while that is possible, a cut once the head is out. */
function giveUp(failure: unknown, session: Session, res: Response, onFault: HandlerParts['onFault']): void {
  if (session.error !== undefined) return;
  session.exchange?.abort();
  // A failure after the client has gone is the client's going.
  const error = res.destroyed ? new ProxyError('client_closed', failure) : proxyError(failure);
  session.error = error;
  if (error.source === 'self' && error.code !== 'rolled_back') onFault(error, session);
  if (session.status !== 0) return res.cut(session.client, session.status);
  session.status = statusOf(error.code);
  const { status, headers, body } = problem(error.code, session.id);
  // What is left of a request body would be read as the next request.
  const { req } = res;
  const { client } = session;
  const unread = !req.complete && hasBody(req);
  if (error.refused || unread || client.closing || client.last) res.makeLast(client, headers, error.refused);
  if (!req.complete) req.resume();
  res.setHead(status, undefined, [...headers, ...stampHeaders(stampOf(session))]);
  res.end(body, 'utf8');
}
