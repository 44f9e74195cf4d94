import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { startAdmin, type AdminParts, type AdminServer } from './admin/server.ts';
import { systemClock, type Clock } from './clock.ts';
import { EnvironmentError } from './config/errors.ts';
import type { Address } from './config/scalars.ts';
import type { Config } from './config/schema.ts';
import type { FlagProvider } from './flags/provider.ts';
import { openFlags } from './flags/source.ts';
import { isGuarded, type Guarding } from './guard/start.ts';
import { tripKind } from './guard/trip.ts';
import { observe, type Phase } from './observe.ts';
import { createHandler } from './proxy/handle.ts';
import { createRouting } from './proxy/routing.ts';
import { createProxyServer, type ProxyServer } from './proxy/server.ts';
import { createTrust } from './proxy/trust.ts';
import type { Rollouts } from './rollout/rollouts.ts';
import { rolloutKind } from './rollout/state.ts';
import { guarding, hex, startRollouts, steering, watchOver } from './steer.ts';
import { openStore } from './store/open-store.ts';
import type { Store } from './store/store.ts';
import type { Log } from './telemetry/log.ts';
import { failedUpstream } from './telemetry/outcome.ts';
import { createTracing } from './telemetry/trace.ts';

/** A running proxy. */
export type App = {
  listen: AddressInfo;
  admin: AddressInfo | undefined;
  /** Undefined when none is configured. */
  rollouts: Rollouts | undefined;
  /** Fails readiness, lets requests end as `shutdown` says, sends what is unsent, and frees everything. */
  stop(): Promise<void>;
};

/** Milliseconds between two lines that say that descriptors or ports have run out. */
const exhaustedPause = 10_000;

/** Milliseconds that a stop waits for LaunchDarkly to take the last events. */
const flushDeadline = 3000;

/** Builds every part and starts it: the admin port first, then the flags, then the front door. */
export async function startApp(config: Config, log: Log, clock: Clock = systemClock): Promise<App> {
  let phase: Phase = 'starting';
  let flags: FlagProvider | undefined;
  let rollouts: Rollouts | undefined;
  let guard: Guarding | undefined;
  let store: Store | undefined;

  let server: ProxyServer | undefined;

  const routing = createRouting(config);
  const seen = observe({
    config,
    routing,
    clock,
    phase: () => phase,
    flags: () => flags,
    rollouts: () => rollouts,
    guard: () => guard,
    connections: () => server?.connections() ?? 0,
    droppedLines: log.dropped,
  });
  const { tally } = seen;
  const tracing = createTracing({
    provider: config.flags.source === 'launchdarkly' ? 'LaunchDarkly' : 'trenchcoat',
    divides: (flag) => flags?.flagData(flag)?.fallthrough?.rollout !== undefined,
    onFault: (error) =>
      log.warn({ err: error }, 'the OpenTelemetry SDK failed; requests are served all the same'),
  });
  const admin = await openAdmin(config, {
    ...seen.admin,
    rollouts: config.flags.source === 'launchdarkly' ? undefined : steering(() => rollouts),
    guards: guarding(() => guard),
  });

  try {
    const provider = (flags = await openFlags(config.flags, log, tracing !== undefined));
    const parts = { flags: provider, routing, log, clock, hex };
    if (config.rollouts.size > 0 || isGuarded(config))
      store = await openStore(config.state, clock, [rolloutKind, tripKind]);
    if (store !== undefined && config.rollouts.size > 0)
      rollouts = await startRollouts(config, { ...parts, store });
    if (store !== undefined && isGuarded(config))
      guard = await watchOver(config, rollouts, {
        ...parts,
        store,
        found: ({ route, signal }) => tally.tripped(route, signal),
      });
    const flagOf = new Map(
      config.routes.flatMap((route) => (route.kind === 'flag' ? [[route.name, route.flag]] : [])),
    );
    let exhausted = -Infinity;
    const handler = createHandler({
      ...routing,
      limits: config.limits,
      tracing,
      startTraces: tracing === undefined ? config.traces.start : 'off',
      pseudonym: `trenchcoat-${randomUUID().slice(0, 8)}`,
      evaluate(flag, context, fallback) {
        rollouts?.keepTime();
        return provider.evaluate(flag, context, fallback);
      },
      tripped: (flag) => guard?.overrides(flag) ?? false,
      decided(route, decision, context) {
        const { reason, version } = decision;
        tally.began(route.name, route.kind === 'flag' ? route.flag : undefined, decision);
        // Whom a percentage has given a version.
        if (reason === 'FALLTHROUGH' && version !== undefined && context !== undefined)
          guard?.asked(route.name, version, context);
      },
      record(outcome, context) {
        tally.ended(outcome);
        log.access(outcome);
        if (context !== undefined) {
          provider.report?.(context, failedUpstream(outcome), outcome.headMs);
          guard?.saw(outcome, context, outcome.headMs);
        }
        const { reason, route, version } = outcome;
        if (rollouts !== undefined && reason === 'FALLTHROUGH' && version !== undefined)
          rollouts.saw(flagOf.get(route ?? '') ?? '', version, failedUpstream(outcome));
      },
      onFault({ code, cause }, { id }) {
        // It comes in floods, which would take what little is left.
        if (code === 'exhausted' && clock.now() - exhausted < exhaustedPause) return;
        if (code === 'exhausted') exhausted = clock.now();
        log.error({ id, code, err: cause }, 'a request failed on our side');
      },
    });
    const trust = createTrust(config.trustedProxies);
    const front = (server = createProxyServer(config.limits, trust, handler, tally.refused));
    const listen = await orCannotListen(config.listen, front.listen(config.listen));
    phase = 'ready';

    return {
      listen,
      admin: admin?.address,
      rollouts,
      async stop() {
        phase = 'draining';
        await delay(config.shutdown.delay);
        await front.close(config.shutdown.drain);
        routing.close();
        await guard?.close();
        await rollouts?.close();
        await store?.close();
        await Promise.all([provider.close(flushDeadline), tracing?.flush(flushDeadline)]);
        seen.close();
        await admin?.close();
      },
    };
  } catch (error) {
    await guard?.close();
    await rollouts?.close();
    await store?.close();
    await flags?.close(0);
    seen.close();
    routing.close();
    await admin?.close();
    throw error;
  }
}

async function openAdmin(config: Config, parts: AdminParts): Promise<AdminServer | undefined> {
  if (config.admin === undefined) return undefined;
  return orCannotListen(config.admin.address, startAdmin(config.admin, parts));
}

async function orCannotListen<T>({ host, port }: Address, listening: Promise<T>): Promise<T> {
  try {
    return await listening;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const why =
      code === 'EADDRINUSE'
        ? 'the port is taken; stop what listens there, or choose another port'
        : code === 'EACCES'
          ? 'not permitted; ports below 1024 need a privilege'
          : code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND'
            ? 'this machine has no such address'
            : String(error);
    throw new EnvironmentError(`cannot listen on ${host}:${port}: ${why}`);
  }
}
