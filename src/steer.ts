import { randomBytes } from 'node:crypto';
import type { AdminParts } from './admin/server.ts';
import type { Clock } from './clock.ts';
import { UserError } from './config/errors.ts';
import { stageRequests } from './config/rollout-schema.ts';
import type { Config, RouteConfig } from './config/schema.ts';
import { dividedBy } from './flags/divided.ts';
import type { FlagProvider } from './flags/provider.ts';
import type { GuardParts } from './guard/guard.ts';
import { startGuard, type Guarding } from './guard/start.ts';
import { openOn } from './proxy/routes.ts';
import type { Routing } from './proxy/routing.ts';
import { openRollouts, type Rollouts } from './rollout/rollouts.ts';
import type { Store } from './store/store.ts';
import type { Log } from './telemetry/log.ts';

/** What rollouts and the guard are made of. */
type StateParts = {
  flags: FlagProvider;
  routing: Routing;
  log: Log;
  clock: Clock;
  store: Store;
  hex: (digits: number) => string;
};

export const hex = (digits: number): string => randomBytes(digits).toString('hex').slice(0, digits);

export async function startRollouts(
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
export const watchOver = (
  config: Config,
  rollouts: Rollouts | undefined,
  { flags, ...parts }: StateParts & Pick<GuardParts, 'found'>,
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
export const steering = (rollouts: () => Rollouts | undefined): NonNullable<AdminParts['rollouts']> => ({
  list: () => rollouts()?.list() ?? [],
  act: async (flag, verb, why) =>
    rollouts()?.act(flag, verb, why) ?? { ok: false, why: 'unknown', detail: 'there are no rollouts' },
});

/** What the admin port may do with guards, from before they are there. */
export const guarding = (guard: () => Guarding | undefined): NonNullable<AdminParts['guards']> => ({
  list: () => guard()?.list() ?? [],
  clear: async (route, why) =>
    guard()?.clear(route, why) ?? { ok: false, why: 'unknown', detail: 'no route has a guard' },
});
