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

/** Whether a request failed by its upstream's fault: no answer, a bad one, or one that says so itself. */
export const failedUpstream = ({ status, error }: Outcome): boolean =>
  error === undefined ? status >= 500 : error.source === 'upstream';

/** Milliseconds until the head of what succeeded: what versions are compared by; undefined of all else. */
export const latencyOf = ({ status, error, headMs }: Outcome): number | undefined =>
  error === undefined && status < 400 ? headMs : undefined;

/** Whether an upstream has answered, whoever ended it. */
export const answered = ({ status, error }: Outcome): boolean =>
  error === undefined ||
  (error.source === 'downstream' && error.code.startsWith('client_') && status !== 499);
