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
import { createTelling } from './tell.ts';
import type { Log } from './telemetry/log.ts';
import type { Regression } from './telemetry/regression.ts';
import { createTally } from './telemetry/tally.ts';
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

/** Milliseconds that a stop waits for LaunchDarkly to take the last events. */
const flushDeadline = 3000;

/** Builds every part and starts it: the admin port first, then the flags, then the front door. */
export async function startApp(config: Config, log: Log, clock: Clock = systemClock): Promise<App> {
  let phase: Phase = 'starting';
  let flags: FlagProvider | undefined;
  let rollouts: Rollouts | undefined;
  let guard: Guarding | undefined;
  let front: ProxyServer | undefined;
  /** What there is to let go of; the last is the first to go. */
  const opened: (() => unknown)[] = [];

  const routing = createRouting(config);
  opened.push(() => routing.close());
  const tracing = createTracing({
    provider: config.flags.source === 'launchdarkly' ? 'LaunchDarkly' : 'trenchcoat',
    divides: (flag) => flags?.flagData(flag)?.fallthrough?.rollout !== undefined,
    onFault: (error) =>
      log.warn({ err: error }, 'the OpenTelemetry SDK failed; requests are served all the same'),
  });
  if (tracing !== undefined) opened.push(() => tracing.flush(flushDeadline));
  const tally = createTally();

  try {
    let admin: AdminServer | undefined;
    if (config.admin !== undefined) {
      const shown = observe({
        config,
        routing,
        clock,
        phase: () => phase,
        flags: () => flags,
        rollouts: () => rollouts,
        guard: () => guard,
        connections: () => front?.connections() ?? 0,
        log,
        tally,
      });
      opened.push(() => shown.close());
      const parts: AdminParts = {
        ...shown.admin,
        rollouts: config.flags.source === 'launchdarkly' ? undefined : steering(() => rollouts),
        guards: guarding(() => guard),
      };
      const open = (admin = await orCannotListen(config.admin.address, startAdmin(config.admin, parts)));
      opened.push(() => open.close());
    }
    const provider = (flags = await openFlags(config.flags, log, tracing !== undefined));
    opened.push(() => provider.close(phase === 'draining' ? flushDeadline : 0));
    const parts = { flags: provider, routing, log, clock, hex };
    if (config.rollouts.size > 0 || isGuarded(config)) {
      const store = await openStore(config.state, clock, [rolloutKind, tripKind]);
      opened.push(() => store.close());
      if (config.rollouts.size > 0) rollouts = await startRollouts(config, { ...parts, store });
      opened.push(() => rollouts?.close());
      const found = ({ route, signal }: Regression) => tally.tripped(route, signal);
      if (isGuarded(config)) guard = await watchOver(config, rollouts, { ...parts, store, found });
      opened.push(() => guard?.close());
    }
    const handler = createHandler({
      ...routing,
      ...createTelling({ config, tally, log, flags, rollouts, guard, clock }),
      limits: config.limits,
      tracing,
      startTraces: tracing === undefined ? config.traces.start : 'off',
      pseudonym: `trenchcoat-${randomUUID().slice(0, 8)}`,
      evaluate(flag, context, fallback) {
        rollouts?.keepTime();
        return provider.evaluate(flag, context, fallback);
      },
      tripped: (flag) => guard?.overrides(flag) ?? false,
    });
    const trust = createTrust(config.trustedProxies);
    const server = (front = createProxyServer(config.limits, trust, handler, tally.refused));
    const listen = await orCannotListen(config.listen, server.listen(config.listen));
    opened.push(() => server.close(config.shutdown.drain));
    phase = 'ready';

    return {
      listen,
      admin: admin?.address,
      rollouts,
      async stop() {
        phase = 'draining';
        await delay(config.shutdown.delay);
        await release(opened);
      },
    };
  } catch (error) {
    // What is wrong at the start is more to the point than what is wrong with letting go of it.
    await release(opened).catch(() => {});
    throw error;
  }
}

/** Lets go of everything, whatever of it fails; then throws the first failure. */
async function release(opened: (() => unknown)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of opened.toReversed())
    try {
      await close();
    } catch (error) {
      failures.push(error);
    }
  if (failures.length > 0) throw failures[0];
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
