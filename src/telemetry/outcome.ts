/** Who is to blame for a failure: the client, the upstream, or the proxy. */
export type FailureSource = 'downstream' | 'upstream' | 'self';

/** How one request ended. There is exactly one for every request that was read, upgrades included. */
export type Outcome = {
  id: string;
  /** Undefined when no route matched. */
  route: string | undefined;
  version: string | undefined;
  reason: string | undefined;
  method: string;
  /** Without the query, which may carry secrets. */
  path: string;
  /** The status the client was sent; 499 when it left before there was one. */
  status: number;
  /** Of the answer to a request of gRPC: 0 is success. Undefined of all others, and when no answer came whole. */
  grpcStatus?: number | undefined;
  durationMs: number;
  /**
   * Milliseconds until the head of the upstream's answer went out, without the time it took to connect; undefined when
   * there was none, and for what has no end.
   */
  headMs: number | undefined;
  /** Bytes on the client's connection, heads included. */
  bytesIn: number;
  bytesOut: number;
  upstream: string | undefined;
  error: { code: string; source: FailureSource } | undefined;
  /** The trace that the request belongs to: 32 hexadecimal digits; undefined when it belongs to none. */
  traceId?: string | undefined;
};

/**
 * The class of an answer: 2 for 2xx. gRPC answers with 200 whatever happened, so there it is what its status comes to: 5 for those
 * that OpenTelemetry has as errors of a server, 4 for what the caller did wrong.
 */
export function classOf({ status, grpcStatus }: Pick<Outcome, 'status' | 'grpcStatus'>): number {
  if (grpcStatus === undefined) return Math.floor(status / 100);
  if (grpcStatus === 0) return 2;
  return grpcFailures.has(grpcStatus) ? 5 : 4;
}

/** UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const grpcFailures = new Set([2, 4, 12, 13, 14, 15]);

/** Whether a request failed by its upstream's fault: no answer, a bad one, or one that says so itself. */
export const failedUpstream = (outcome: Outcome): boolean =>
  outcome.error === undefined ? classOf(outcome) >= 5 : outcome.error.source === 'upstream';

/** Milliseconds until the head of what succeeded: what versions are compared by; undefined of all else. */
export const latencyOf = (outcome: Outcome): number | undefined =>
  outcome.error === undefined && classOf(outcome) < 4 ? outcome.headMs : undefined;

/** Whether an upstream has answered, whoever ended it. */
export const answered = ({ status, error }: Outcome): boolean =>
  error === undefined ||
  (error.source === 'downstream' && error.code.startsWith('client_') && status !== 499);
