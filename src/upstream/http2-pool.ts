import { createConnector } from './connect.ts';
import { CarriedExchange, later } from './exchange.ts';
import { UpstreamError } from './failure.ts';
import { presumedStreams, Session, type SessionOwner } from './http2-session.ts';
import type { PoolOptions, UpstreamPool } from './pool.ts';
import { createReplayBudget } from './replay-budget.ts';
import { createResolver } from './resolve.ts';

const resolve = createResolver();

/** HTTP/2 sessions to one upstream. Exchanges share them; there are as many as it takes. */
export function createHttp2Pool(origin: URL, options: PoolOptions): UpstreamPool {
  const connector = createConnector(origin, {
    lookup: resolve,
    protocols: ['h2'],
    tls: options.tls,
    news: options.news,
  });
  const budget = createReplayBudget();
  /** The oldest first, and used first: the others fall idle and are closed. */
  const sessions = new Set<Session>();
  const queue = new Set<CarriedExchange>();
  let presumed = presumedStreams;
  let tunnels = 0;
  let destroyed = false;
  let retired = false;
  let connects = 0;
  let replays = 0;

  const place = { resume() {}, drop: (exchange: CarriedExchange) => void queue.delete(exchange) };
  const owner: SessionOwner = {
    onRoom(session) {
      presumed = Math.max(1, session.room);
      const now = performance.now();
      for (const next of queue) {
        if (!session.takes(now)) return;
        queue.delete(next);
        session.carry(next);
      }
      if (retired) session.retire();
    },
    onSurplus(exchanges) {
      for (const exchange of exchanges) serve(exchange);
    },
    onTunnel() {
      if (tunnels >= options.maxTunnels) return false;
      tunnels += 1;
      openForNext();
      return true;
    },
    onTunnelClosed: () => void (tunnels -= 1),
    onGone(session) {
      sessions.delete(session);
      openForNext();
    },
    onFailure(exchange, error, fate, session) {
      const replayable = fate === 'unprocessed' || (fate === 'unheard' && exchange.replayable);
      const replay = replayable && error.code === 'reset' && exchange.resends === 0 && !destroyed;
      if (!replay || exchange.answer === undefined || !budget.take(performance.now()))
        return exchange.fail(error);
      replays += 1;
      exchange.resends += 1;
      // Other sessions may be as dead, but not one that refuses.
      serve(exchange, (other) => other !== session && (fate === 'unprocessed' || other.fresh));
    },
  };

  function open(): Session {
    const session = new Session(connector, origin, options, owner, presumed);
    connects += 1;
    sessions.add(session);
    sweeping ??= setInterval(sweep, sweepEvery).unref();
    return session;
  }

  /** Those that end by themselves make room for as many; what tunnels take does not count. */
  function mayOpen(): boolean {
    const most = options.maxConnections + Math.ceil(tunnels / presumed);
    let closing = 0;
    for (const session of sessions) if (session.closing) closing += 1;
    return sessions.size - Math.min(closing, options.maxConnections) < most;
  }

  function openForNext(): void {
    if (destroyed || queue.size === 0 || !mayOpen()) return;
    const session = open();
    owner.onRoom(session);
  }

  /** On a session that has room, a new one, or as soon as there is one. */
  function serve(exchange: CarriedExchange, suits: (session: Session) => boolean = () => true): void {
    const now = performance.now();
    for (const session of sessions) if (session.takes(now) && suits(session)) return session.carry(exchange);
    if (mayOpen()) return open().carry(exchange);
    if (queue.size >= options.queue) return later(exchange, 'upstream_busy');
    exchange.carrier = place;
    exchange.waitsUntil = now + options.connectTimeout;
    queue.add(exchange);
  }

  // One timer looks at all deadlines: one for each exchange would cost more than it is worth.
  const shortest = Math.min(options.connectTimeout, options.responseTimeout, options.idleTimeout);
  const sweepEvery = Math.min(500, Math.max(5, shortest / 20));
  let sweeping: NodeJS.Timeout | undefined;
  // After a pause of ours, what came in time has yet to be read.
  const sweep = () => void setImmediate(expireLate, performance.now());
  function expireLate(now: number): void {
    for (const session of sessions) session.expire(now);
    for (const exchange of queue) {
      if (exchange.waitsUntil > now) break;
      queue.delete(exchange);
      exchange.fail(new UpstreamError('upstream_busy'));
    }
    if (sessions.size > 0) return;
    clearInterval(sweeping);
    sweeping = undefined;
  }

  return {
    send(head, body, answer) {
      const exchange = new CarriedExchange(head, body, answer);
      budget.count(exchange.startedAt);
      if (destroyed) later(exchange, 'shutting_down');
      else if (body?.framing === 'tunnel' && tunnels >= options.maxTunnels)
        later(exchange, 'too_many_tunnels');
      else serve(exchange);
      return exchange;
    },
    counts() {
      let active = 0;
      let idle = 0;
      for (const session of sessions)
        if (session.kept) idle += 1;
        else if (session.active) active += 1;
      return { active, idle, tunnels, waiting: queue.size, connects, replays };
    },
    retire() {
      retired = true;
      connector.close();
      for (const session of sessions) session.retire();
    },
    destroy() {
      destroyed = true;
      connector.close();
      for (const exchange of queue) exchange.fail(new UpstreamError('shutting_down'));
      queue.clear();
      for (const session of sessions) session.shutDown();
    },
  };
}
