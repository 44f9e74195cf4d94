import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { startAdmin, type AdminParts, type AdminServer } from './admin/server.ts';
import { systemClock, type Clock } from './clock.ts';
import { EnvironmentError, UserError } from './config/errors.ts';
import type { LoadedConfig } from './config/load.ts';
import type { Address } from './config/scalars.ts';
import type { Config } from './config/schema.ts';
import { secretsOf } from './config/secrets.ts';
import type { FlagLog, FlagProvider } from './flags/provider.ts';
import { openFlags } from './flags/source.ts';
import { ownFront, type Front, type FrontParts } from './front.ts';
import type { Judging } from './guard/sums.ts';
import { observe, type Observation, type Phase } from './observe.ts';
import { createHandler } from './proxy/handle.ts';
import { createRouting } from './proxy/routing.ts';
import type { Serving } from './proxy/server.ts';
import { createTrust } from './proxy/trust.ts';
import type { Rollouts } from './rollout/rollouts.ts';
import { createReloads, type Asker, type ConfigSource, type Reloaded } from './reload.ts';
import { openStore } from './store/open-store.ts';
import { createSteering, guarding, steering, type Steering } from './steer.ts';
import { createTelling } from './tell.ts';
import type { Log } from './telemetry/log.ts';
import type { Regression } from './telemetry/regression.ts';
import { createTally, type Tally } from './telemetry/tally.ts';
import { createTracing } from './telemetry/trace.ts';

/** A running proxy. */
export type App = {
  listen: AddressInfo;
  admin: AddressInfo | undefined;
  /** Undefined when none is configured. */
  rollouts(): Rollouts | undefined;
  /** Reads the configuration again, and serves by it from the next request on. */
  reload: (asker: Asker) => Promise<Reloaded>;
  /** Serves by this configuration from the next request on. Rejects with a UserError when it cannot; then all is as before. */
  follow: (loaded: LoadedConfig) => Promise<void>;
  /** Fails readiness, lets requests end as `shutdown` says, sends what is unsent, and frees everything. */
  stop(): Promise<void>;
};

/** Which part of a proxy a process is. */
export type Seat = {
  openFront: (parts: FrontParts) => Front;
  openStore: typeof openStore;
  judging: Judging;
  /** Whether it logs what every process of a proxy sees alike: flags, rollouts, trips. */
  speaks: boolean;
  tally: Tally;
};

/** All of it. */
export const alone = (): Seat => ({
  openFront: ownFront,
  openStore,
  judging: 'what it saw',
  speaks: true,
  tally: createTally(),
});

/** Milliseconds that a stop waits for LaunchDarkly to take the last events. */
const flushDeadline = 3000;

/** Builds every part and starts it: the admin port first, then the flags, then the front door. */
export async function startApp(
  config: Config,
  log: Log,
  clock: Clock = systemClock,
  source?: ConfigSource,
  seat = alone(),
): Promise<App> {
  let phase: Phase = 'starting';
  let flags: FlagProvider | undefined;
  let steered: Steering | undefined;
  let front: Front | undefined;
  const common = seat.speaks ? log : silent;
  let current = { config, routing: createRouting(config, undefined, common) };
  /** What there is to let go of; the last is the first to go. */
  const opened: (() => unknown)[] = [() => current.routing.close()];

  const tracing = createTracing({
    provider: config.flags.source === 'launchdarkly' ? 'LaunchDarkly' : 'trenchcoat',
    divides: (flag) => flags?.flagData(flag)?.fallthrough?.rollout !== undefined,
    onFault: (error) =>
      log.warn({ err: error }, 'the OpenTelemetry SDK failed; requests are served all the same'),
  });
  if (tracing !== undefined) opened.push(() => tracing.flush(flushDeadline));
  const { tally } = seat;
  const pseudonym = `trenchcoat-${randomUUID().slice(0, 8)}`;
  const rollouts = () => steered?.rollouts();
  const guard = () => steered?.guard();

  try {
    let shown: Observation | undefined;
    const reloads = createReloads({
      source,
      current: () => current.config,
      apply,
      log,
      now: () => clock.now(),
    });
    let admin: AdminServer | undefined;
    if (config.admin !== undefined) {
      const observed = (shown = observe({
        current: () => current,
        clock,
        phase: () => phase,
        flags: () => flags,
        rollouts,
        guard,
        front: () => front,
        reloads: reloads.counts,
        log,
        tally,
      }));
      opened.push(() => observed.close());
      const parts: AdminParts = {
        ...observed.admin,
        rollouts: config.flags.source === 'launchdarkly' ? undefined : steering(rollouts),
        guards: guarding(guard),
        reload: () => reloads.reload('admin'),
      };
      const open = (admin = await orCannotListen(config.admin.address, startAdmin(config.admin, parts)));
      opened.push(() => open.close());
    }
    const provider = (flags = await openFlags(config.flags, common, tracing !== undefined));
    opened.push(() => provider.close(phase === 'draining' ? flushDeadline : 0));
    const found = ({ route, signal }: Regression) => tally.tripped(route, signal);
    const { open } = current.routing;
    const steer = (steered = createSteering({ ...seat, flags, open, log, common, clock, found }));
    opened.push(() => steer.close());
    (await steer.prepare(config))();
    const server = (front = seat.openFront({
      serving: () => servingBy(provider),
      pools: () => current.routing.upstreams.map(({ name, pool }) => ({ name, ...pool.counts() })),
      onRefused: tally.refused,
      // A handshake is one process' own, and what becomes of files is seen by all.
      log: { ...common, debug: (fields, message) => log.debug(fields, message) },
    }));
    const listen = await orCannotListen(config.listen, server.listen(config.listen));
    opened.push(() => server.close(current.config.shutdown.drain));
    opened.push(() => reloads.close());
    phase = 'ready';
    reloads.follow();

    return {
      listen,
      admin: admin?.address,
      rollouts,
      reload: reloads.reload,
      follow: apply,
      async stop() {
        phase = 'draining';
        server.sendAway();
        await delay(current.config.shutdown.delay);
        await release(opened);
      },
    };

    /** What becomes of requests, by the configuration that is current. */
    function servingBy(provider: FlagProvider): Serving {
      const { config, routing } = current;
      const handler = createHandler({
        ...routing,
        ...createTelling({
          config,
          tally,
          log,
          flags: provider,
          rollouts: rollouts(),
          guard: guard(),
          clock,
        }),
        limits: config.limits,
        tracing,
        startTraces: tracing === undefined ? config.traces.start : 'off',
        pseudonym,
        evaluate(flag, context, fallback) {
          rollouts()?.keepTime();
          return provider.evaluate(flag, context, fallback);
        },
        tripped: (flag) => guard()?.overrides(flag) ?? false,
      });
      return { limits: config.limits, isTrusted: createTrust(config.trustedProxies), handler };
    }

    /** Another configuration, at once: what takes time is made ready before. */
    async function apply(loaded: LoadedConfig): Promise<void> {
      const { config, colours } = loaded;
      if (phase !== 'ready' || flags === undefined || steered === undefined)
        throw new UserError(`the proxy is ${phase}, and takes no other configuration now`);
      const routing = createRouting(config, current.routing, common);
      const putInForce = await steered.prepare(config);
      await log.follow(config.log, { secrets: secretsOf(config), colours });
      putInForce();
      current.routing.giveWayTo(routing);
      current = { config, routing };
      shown?.reloaded();
      await front?.follow(loaded);
    }
  } catch (error) {
    // What is wrong at the start is more to the point than what is wrong with letting go of it.
    await release(opened).catch(() => {});
    throw error;
  }
}

const nothing = () => {};
const silent: FlagLog = { debug: nothing, info: nothing, warn: nothing, error: nothing };

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
    if (error instanceof EnvironmentError || error instanceof UserError) throw error;
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
