import { randomUUID } from 'node:crypto';
import type { EvaluationContext } from '../identity/context.ts';
import type { MintedKey } from '../identity/identify.ts';
import type { Outcome } from '../telemetry/outcome.ts';
import type { Propagated, Trace, Tracing } from '../telemetry/trace.ts';
import type { Exchange } from '../upstream/exchange.ts';
import type { Decision } from './decide.ts';
import { statusOf, type ProxyError } from './errors.ts';
import type { RequestFacts, Stamp } from './headers.ts';
import type { Carrier, Request } from './message.ts';
import type { Route } from './routes.ts';
import type { Target } from './target.ts';
import { traceIdOf } from './traceparent.ts';
import { isSecure, type Client } from './trust.ts';

/** What the proxy knows of one request, from its first byte to its outcome. Filled in from top to bottom. */
export type Session = {
  id: string;
  startedAt: number;
  client: Client;
  /** Whether the client was a trusted proxy when it asked. */
  trusted: boolean;
  /** Whether what the client speaks is TLS, to us or to a trusted proxy. */
  secure: boolean;
  /** Whether it asks for a tunnel. */
  upgrading: boolean;
  /** Its spans; undefined where there is no SDK to make them. */
  trace: Trace | undefined;
  /** The trace it belongs to, whoever began it. */
  traceId: string | undefined;
  target: Target | undefined;
  route: Route | undefined;
  minted: readonly MintedKey[];
  /** Whom a flag was evaluated for; undefined when none was. */
  context: EvaluationContext | undefined;
  decision: Decision | undefined;
  /** The status that went out; 0 until one did. */
  status: number;
  /** The status of the upstream's answer; 0 until it came. */
  answered: number;
  /**
   * Milliseconds from the start until the head of the upstream's answer went out, without the time it took to connect;
   * undefined for what has no end.
   */
  headMs: number | undefined;
  /** The status of an answer of gRPC that came whole. */
  grpcStatus: number | undefined;
  error: ProxyError | undefined;
  /** What is under way upstream. */
  exchange: Exchange | undefined;
};

export function openSession(
  req: Request,
  client: Client,
  upgrading: boolean,
  tracing: Tracing | undefined,
): Session {
  client.busy += 1;
  const startedAt = performance.now();
  const trace = tracing === undefined ? undefined : beginTrace(tracing, req, client, startedAt);
  const { traceparent } = req.headers;
  return {
    id: requestId(req),
    startedAt,
    client,
    trusted: client.trusted,
    secure: isSecure(client, req.headers),
    upgrading,
    trace,
    traceId: trace?.id ?? (typeof traceparent === 'string' ? traceIdOf(traceparent) : undefined),
    target: undefined,
    route: undefined,
    minted: [],
    context: undefined,
    decision: undefined,
    status: 0,
    answered: 0,
    headMs: undefined,
    grpcStatus: undefined,
    error: undefined,
    exchange: undefined,
  };
}

/** The client's id is kept when it can stand in a header and a log line. */
function requestId(req: Request): string {
  const given = req.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:/+=@-]{1,128}$/.test(given) ? given : randomUUID();
}

function beginTrace(tracing: Tracing, req: Request, client: Client, startedAt: number) {
  const { method = '', url = '', headers, httpVersion } = req;
  const { address, secure } = client;
  const head = { method, target: url, host: headers.host, secure, httpVersion, clientAddress: address };
  return tracing.begin(head, headers, startedAt);
}

/** Ends the spans of a session. */
export function endTrace(trace: Trace, session: Session, outcome: Outcome): void {
  const { exchange, route, status, answered } = session;
  trace.ended(
    { outcome, httpRoute: route?.match.path, status },
    exchange && {
      status: answered,
      whole: exchange.whole,
      resends: exchange.resends,
      elapsed: exchange.timings.total,
    },
  );
}

/** What the outbound headers are built from. */
export function requestFacts(
  session: Session,
  decision: Decision,
  hostHeader: string | undefined,
  propagated: Propagated | undefined,
  { overrideHeader, pseudonym }: Pick<RequestFacts, 'overrideHeader' | 'pseudonym'>,
): RequestFacts {
  const clientHost = session.target?.authority ?? hostHeader ?? '';
  const { upstream } = decision;
  return {
    host: upstream.preserveHost && clientHost !== '' ? clientHost : upstream.url.host,
    requestId: session.id,
    version: decision.version,
    clientAddress: session.client.address,
    clientHost,
    clientProtocol: session.client.secure ? 'https' : 'http',
    trusted: session.trusted,
    upgrading: session.upgrading,
    received: session.client.major === 2 ? '2' : '1.1',
    pseudonym,
    overrideHeader,
    propagated,
  };
}

/** What this session's answer bears, whoever produces it; undefined before a decision and on plain routes. */
export function stampOf({ route, decision, minted, secure }: Session): Stamp | undefined {
  if (route?.kind !== 'flag' || decision?.version === undefined) return undefined;
  return { version: decision.version, vary: route.vary, minted, secure };
}

/** Closes the books on a session. `carrier` may be gone already. */
export function outcomeOf(session: Session, req: Request, carrier: Carrier): Outcome {
  const { client, decision, error } = session;
  const now = performance.now();
  client.idleSince = now;
  const bytesIn = carrier.bytesRead - client.bytesRead;
  const bytesOut = carrier.bytesWritten - client.bytesWritten;
  client.busy -= 1;
  client.waiting.shift()?.();
  client.bytesRead += bytesIn;
  client.bytesWritten += bytesOut;
  return {
    id: session.id,
    route: session.route?.name,
    version: decision?.version,
    reason: decision?.reason,
    method: req.method ?? '',
    path: session.target?.pathname ?? '',
    status: session.status !== 0 ? session.status : statusOf(error?.code ?? 'client_closed'),
    grpcStatus: session.grpcStatus,
    durationMs: toMicroseconds(now - session.startedAt),
    headMs: session.headMs === undefined ? undefined : toMicroseconds(session.headMs),
    bytesIn,
    bytesOut,
    upstream: decision?.upstream.name,
    traceId: session.traceId,
    error: error === undefined ? undefined : { code: error.code, source: error.source },
  };
}

/** Milliseconds with three decimals. */
const toMicroseconds = (ms: number): number => Math.round(ms * 1000) / 1000;
