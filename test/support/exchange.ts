import type { Test } from 'tap';
import type { Answer, Exchange, RequestBody, RequestHead, Timings } from '../../src/upstream/exchange.ts';
import { openPool as open } from '../../src/upstream/open-pool.ts';
import type { PoolOptions, UpstreamPool } from '../../src/upstream/pool.ts';

type Options = PoolOptions & { http2: boolean };

const roomy: Options = {
  http2: false,
  connectTimeout: 2000,
  responseTimeout: 2000,
  idleTimeout: 2000,
  maxConnections: 16,
  maxTunnels: 16,
  queue: 16,
};

/** A pool of a test's own, with room and time for everything but what the test narrows. */
export function openPool(
  t: Pick<Test, 'teardown'>,
  url: string,
  options: Partial<Options> = {},
): UpstreamPool {
  const pool = open(new URL(url), { ...roomy, ...options });
  t.teardown(() => pool.destroy());
  return pool;
}

/** What an exchange reported, gathered to its end. */
export type Report = {
  /** The order of what was reported, data told once. */
  events: string[];
  status: number | undefined;
  reason: string | undefined;
  headers: string[];
  informational: number[];
  body: string;
  trailers: string[];
  /** Failure code; undefined when it ended well. */
  error: string | undefined;
};

export type Sent = {
  exchange: Exchange;
  report: Report;
  /** Once it has ended, or failed. */
  done: Promise<Report & { timings: Timings }>;
};

/** Sends a request, a bare GET unless `head` says otherwise. What `on` has is called after the report is written. */
export function send(
  pool: UpstreamPool,
  head: Partial<RequestHead> = {},
  body?: RequestBody,
  on: Partial<Answer> = {},
): Sent {
  const report: Report = {
    events: [],
    status: undefined,
    reason: undefined,
    headers: [],
    informational: [],
    body: '',
    trailers: [],
    error: undefined,
  };
  const { events } = report;
  let over: (() => void) | undefined;
  const ended = new Promise<void>((resolve) => (over = resolve));
  const exchange = pool.send({ method: 'GET', path: '/', headers: ['Host', 'a'], ...head }, body, {
    onInformational(status, headers) {
      events.push('informational');
      report.informational.push(status);
      on.onInformational?.(status, headers);
    },
    onHead(status, reason, headers) {
      events.push('head');
      Object.assign(report, { status, reason, headers });
      on.onHead?.(status, reason, headers);
    },
    onGap: () => on.onGap?.(),
    onData(chunk) {
      if (events.at(-1) !== 'data') events.push('data');
      report.body += chunk.toString('latin1');
      return on.onData?.(chunk) ?? true;
    },
    onEnd(trailers) {
      events.push('end');
      report.trailers = trailers;
      on.onEnd?.(trailers);
      over?.();
    },
    onError(error) {
      events.push('error');
      report.error = error.code;
      on.onError?.(error);
      over?.();
    },
  });
  return { exchange, report, done: ended.then(() => ({ ...report, timings: exchange.timings })) };
}
