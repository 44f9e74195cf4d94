import { randomBytes, randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { startAdmin, type AdminParts, type AdminServer, type Readiness } from './admin/server.ts';
import { EnvironmentError, UserError } from './config/errors.ts';
import { stageRequests } from './config/rollout-schema.ts';
import type { Address } from './config/scalars.ts';
import type { Config, RouteConfig } from './config/schema.ts';
import type { FlagProvider } from './flags/provider.ts';
import { openFlags } from './flags/source.ts';
import { dividedBy } from './flags/divided.ts';
import { isGuarded, startGuard, type Guarding } from './guard/start.ts';
import { tripKind } from './guard/trip.ts';
import { createHandler } from './proxy/handle.ts';
import { openOn } from './proxy/routes.ts';
import { createRouting, type Routing } from './proxy/routing.ts';
import { createProxyServer } from './proxy/server.ts';
import { createTrust } from './proxy/trust.ts';
import { systemClock, type Clock } from './clock.ts';
import { openRollouts, type Rollouts } from './rollout/rollouts.ts';
import { rolloutKind } from './rollout/state.ts';
import { openStore } from './store/open-store.ts';
import type { Store } from './store/store.ts';
import type { Log } from './telemetry/log.ts';
import { createMetrics } from './telemetry/metrics.ts';
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

type Phase = 'starting' | 'ready' | 'draining';

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

  const metrics = createMetrics(
    () => {
      const state = flags?.state();
      return state !== undefined && state.initialized && state.healthy;
    },
    () => rollouts?.list() ?? [],
    () => guard?.list() ?? [],
  );
  const readiness = (): Readiness => ({
    ready: phase === 'ready',
    checks: {
      proxy: phase,
      flags: flags?.state().detail ?? 'not opened yet',
      ...(rollouts && { rollouts: rollouts.state().detail }),
      ...(guard && { guard: guard.detail() }),
    },
  });
  const tracing = createTracing({
    provider: config.flags.source === 'launchdarkly' ? 'LaunchDarkly' : 'trenchcoat',
    divides: (flag) => flags?.flagData(flag)?.fallthrough?.rollout !== undefined,
    onFault: (error) =>
      log.warn({ err: error }, 'the OpenTelemetry SDK failed; requests are served all the same'),
  });
  const admin = await openAdmin(config, {
    readiness,
    metrics: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
    rollouts: config.flags.source === 'launchdarkly' ? undefined : steering(() => rollouts),
    guards: guarding(() => guard),
  });

  try {
    const provider = (flags = await openFlags(config.flags, log, tracing !== undefined));
    const routing = createRouting(config);
    const parts = { flags: provider, routing, log, clock, hex };
    if (config.rollouts.size > 0 || isGuarded(config))
      store = await openStore(config.state, clock, [rolloutKind, tripKind]);
    if (store !== undefined && config.rollouts.size > 0)
      rollouts = await startRollouts(config, { ...parts, store });
    if (store !== undefined && isGuarded(config))
      guard = await watchOver(config, rollouts, { ...parts, store });
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
      decided(route, { reason, version }, context) {
        // Whom a percentage has given a version.
        if (reason === 'FALLTHROUGH' && version !== undefined && context !== undefined)
          guard?.asked(route.name, version, context);
      },
      record(outcome, context, headMs) {
        metrics.observe(outcome);
        log.access(outcome);
        if (context !== undefined) {
          provider.report?.(context, failedUpstream(outcome), headMs);
          guard?.saw(outcome, context, headMs);
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
    const server = createProxyServer(config.limits, createTrust(config.trustedProxies), handler);
    const listen = await orCannotListen(config.listen, server.listen(config.listen));
    phase = 'ready';

    return {
      listen,
      admin: admin?.address,
      rollouts,
      async stop() {
        phase = 'draining';
        await delay(config.shutdown.delay);
        await server.close(config.shutdown.drain);
        routing.close();
        await guard?.close();
        await rollouts?.close();
        await store?.close();
        await Promise.all([provider.close(flushDeadline), tracing?.flush(flushDeadline)]);
        await admin?.close();
      },
    };
  } catch (error) {
    await guard?.close();
    await rollouts?.close();
    await store?.close();
    await flags?.close(0);
    await admin?.close();
    throw error;
  }
}

/** What rollouts and the guard are made of. */
type StateParts = {
  flags: FlagProvider;
  routing: Routing;
  log: Log;
  clock: Clock;
  store: Store;
  hex: (digits: number) => string;
};

const hex = (digits: number): string => randomBytes(digits).toString('hex').slice(0, digits);

async function startRollouts(
  { rollouts, routes }: Config,
  { flags, routing, ...parts }: StateParts,
): Promise<Rollouts> {
  return openRollouts({
    ...parts,
    rollouts,
    split(flag, split) {
      const unknown = [split.from, split.to].find(
        (version) => !routes.some((route) => serves(route, flag, version)),
      );
      if (unknown !== undefined)
        throw new UserError(`no route of ${flag} has the version ${unknown}, which its rollout needs`);
      flags.split?.(flag, split);
    },
    saltOf: (flag) => flags.flagData(flag)?.salt,
    wanted: (flag) =>
      routes.some(
        (route) => route.kind === 'flag' && route.flag === flag && route.guard.onRegression !== 'off',
      )
        ? stageRequests
        : 0,
    openOn: (flag, version) => openOn(routing.routes, flag, version),
  });
}

/** The guard of all routes that have one; what it finds of a rollout run here the rollout keeps. */
const watchOver = (
  config: Config,
  rollouts: Rollouts | undefined,
  { flags, ...parts }: StateParts,
): Promise<Guarding> =>
  startGuard({
    ...parts,
    config,
    rollouts: rollouts && {
      ...rollouts,
      async clear(flag, why) {
        const acted = await rollouts.clear(flag, why);
        return acted.ok ? { ok: true } : acted;
      },
    },
    scheduled(flag, control) {
      const data = flags.flagData(flag);
      return data && dividedBy(data, control);
    },
    stage: (flag) => rollouts?.list().find((rollout) => rollout.flag === flag)?.stage ?? null,
    random: () => randomBytes(4).readInt32LE(),
  });

const serves = (route: RouteConfig, flag: string, version: string): boolean =>
  route.kind === 'flag' && route.flag === flag && route.versions.has(version);

/** What the admin port may do with rollouts, from before they are there. */
const steering = (rollouts: () => Rollouts | undefined): NonNullable<AdminParts['rollouts']> => ({
  list: () => rollouts()?.list() ?? [],
  act: async (flag, verb, why) =>
    rollouts()?.act(flag, verb, why) ?? { ok: false, why: 'unknown', detail: 'there are no rollouts' },
});

/** What the admin port may do with guards, from before they are there. */
const guarding = (guard: () => Guarding | undefined): NonNullable<AdminParts['guards']> => ({
  list: () => guard()?.list() ?? [],
  clear: async (route, why) =>
    guard()?.clear(route, why) ?? { ok: false, why: 'unknown', detail: 'no route has a guard' },
});

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
