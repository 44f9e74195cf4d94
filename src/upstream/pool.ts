import type { UpstreamTls } from '../config/tls-schema.ts';
import { createConnector } from './connect.ts';
import type { CredentialNews } from './credentials.ts';
import { Connection, type Owner, type Timeouts } from './connection.ts';
import {
  CarriedExchange,
  later,
  type Answer,
  type Exchange,
  type RequestBody,
  type RequestHead,
} from './exchange.ts';
import { UpstreamError } from './failure.ts';
import { createReplayBudget } from './replay-budget.ts';
import { createResolver } from './resolve.ts';

export type PoolOptions = Timeouts & {
  maxConnections: number;
  /** Tunnels and event streams, which do not count as connections. */
  maxTunnels: number;
  /** Exchanges that may wait for a connection, for `connectTimeout` at the longest. */
  queue: number;
  /** How an https:// upstream is spoken to. */
  tls?: Partial<UpstreamTls>;
  /** Told of the files that `tls` names. */
  news?: CredentialNews;
};

/** What a pool has now, and has done since the start. */
export type PoolCounts = {
  /** Connections with an exchange, those kept for the next, and those that carry tunnels or event streams. */
  active: number;
  idle: number;
  tunnels: number;
  /** Exchanges that wait for a connection. */
  waiting: number;
  connects: number;
  replays: number;
};

/** Connections to one upstream, kept alive between exchanges. */
export type UpstreamPool = {
  send(head: RequestHead, body: RequestBody | undefined, answer: Answer): Exchange;
  counts(): PoolCounts;
  /** Nothing more will be sent: what is under way ends in its own time, and no connection is kept. */
  retire(): void;
  /** Cuts every connection, and takes no more. */
  destroy(): void;
};

const resolve = createResolver();

export function createPool(origin: URL, options: PoolOptions): UpstreamPool {
  const connector = createConnector(origin, {
    lookup: resolve,
    protocols: ['http/1.1'],
    tls: options.tls,
    news: options.news,
  });
  const budget = createReplayBudget();
  const connections = new Set<Connection>();
  const tunnels = new Set<Connection>();
  /** The most recently used last, and used first: the others grow old and are closed. */
  const idle: Connection[] = [];
  const queue: CarriedExchange[] = [];
  let destroyed = false;
  let retired = false;
  let connects = 0;
  let replays = 0;

  const place = { resume() {}, drop: (exchange: CarriedExchange) => remove(queue, exchange) };
  const owner: Owner = {
    onFree(connection) {
      const next = queue.shift();
      if (next !== undefined) connection.carry(next, performance.now());
      else if (retired) connection.destroy();
      else idle.push(connection);
    },
    onTunnel(connection) {
      if (tunnels.size >= options.maxTunnels) return false;
      tunnels.add(connection);
      if (connections.delete(connection)) openForNext();
      return true;
    },
    onGone(connection) {
      tunnels.delete(connection);
      remove(idle, connection);
      if (connections.delete(connection)) openForNext();
    },
    onFailure(exchange, error, untouched, unsent) {
      const again = untouched && error.code === 'reset' && !destroyed && exchange.answer !== undefined;
      // Nobody has seen what was not written.
      if (again && unsent) return serve(exchange, undefined);
      if (!again || !exchange.replayable || !budget.take(performance.now())) return exchange.fail(error);
      exchange.replayable = false;
      replays += 1;
      exchange.resends += 1;
      // The other idle connections may be as dead.
      serve(exchange, undefined);
    },
  };

  function open(exchange: CarriedExchange): void {
    connects += 1;
    connections.add(new Connection(connector, options, owner, exchange));
    sweeping ??= setInterval(sweep, sweepEvery).unref();
  }

  function openForNext(): void {
    if (destroyed || connections.size >= options.maxConnections) return;
    const next = queue.shift();
    if (next !== undefined) open(next);
  }

  /** On a kept connection, a new one, or as soon as there is one. */
  function serve(exchange: CarriedExchange, kept: Connection | undefined): void {
    if (kept !== undefined) kept.carry(exchange, exchange.startedAt);
    else if (connections.size < options.maxConnections) open(exchange);
    else if (queue.length >= options.queue) later(exchange, 'upstream_busy');
    else {
      exchange.carrier = place;
      exchange.waitsUntil = performance.now() + options.connectTimeout;
      queue.push(exchange);
    }
  }

  function keptConnection(now: number): Connection | undefined {
    for (;;) {
      const kept = idle.pop();
      if (kept === undefined || kept.deadline > now) return kept;
      kept.destroy();
    }
  }

  // One timer looks at all deadlines: one for each exchange would cost more than it is worth.
  const shortest = Math.min(options.connectTimeout, options.responseTimeout, options.idleTimeout);
  const sweepEvery = Math.min(500, Math.max(5, shortest / 20));
  let sweeping: NodeJS.Timeout | undefined;
  // After a pause of ours, what came in time has yet to be read.
  const sweep = () => void setImmediate(expireLate, performance.now());
  function expireLate(now: number): void {
    for (const connection of connections) if (connection.deadline <= now) connection.expire();
    for (const connection of tunnels) if (connection.deadline <= now) connection.expire();
    while ((queue[0]?.waitsUntil ?? Infinity) <= now) queue.shift()?.fail(new UpstreamError('upstream_busy'));
    if (connections.size + tunnels.size > 0) return;
    clearInterval(sweeping);
    sweeping = undefined;
  }

  return {
    send(head, body, answer) {
      const exchange = new CarriedExchange(head, body, answer);
      budget.count(exchange.startedAt);
      if (destroyed) later(exchange, 'shutting_down');
      else if (body?.framing === 'tunnel' && tunnels.size >= options.maxTunnels)
        later(exchange, 'too_many_tunnels');
      else serve(exchange, keptConnection(exchange.startedAt));
      return exchange;
    },
    counts: () => ({
      active: connections.size - idle.length,
      idle: idle.length,
      tunnels: tunnels.size,
      waiting: queue.length,
      connects,
      replays,
    }),
    retire() {
      retired = true;
      connector.close();
      for (const connection of idle.splice(0)) connection.destroy();
    },
    destroy() {
      destroyed = true;
      connector.close();
      for (const exchange of queue.splice(0)) exchange.fail(new UpstreamError('shutting_down'));
      for (const connection of [...connections, ...tunnels]) connection.shutDown();
    },
  };
}

function remove<T>(list: T[], one: T): void {
  const at = list.indexOf(one);
  if (at >= 0) list.splice(at, 1);
}
