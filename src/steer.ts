import { randomBytes } from 'node:crypto';
import type { AdminParts } from './admin/server.ts';
import type { Clock } from './clock.ts';
import { UserError } from './config/errors.ts';
import { isSame } from './config/same.ts';
import { stageRequests } from './config/rollout-schema.ts';
import type { Config, RouteConfig } from './config/schema.ts';
import { dividedBy } from './flags/divided.ts';
import type { FlagLog, FlagProvider } from './flags/provider.ts';
import type { Split } from './flags/split.ts';
import type { GuardParts } from './guard/guard.ts';
import { isGuarded, startGuard, type Guarding } from './guard/start.ts';
import { tripKind } from './guard/trip.ts';
import { openOn, type OpenRequests } from './proxy/routes.ts';
import { openRollouts, type Rollouts } from './rollout/rollouts.ts';
import { rolloutKind } from './rollout/state.ts';
import type { openStore } from './store/open-store.ts';
import type { Kind, Store } from './store/store.ts';
import type { Log } from './telemetry/log.ts';

export type SteeringParts = Pick<GuardParts, 'found' | 'judging'> & {
  openStore: typeof openStore;
  flags: FlagProvider;
  open: OpenRequests;
  log: Log;
  /** For what every process of a proxy sees alike. */
  common: FlagLog;
  clock: Clock;
};

/** Rollouts and the guard, as the configuration in force has them. */
export type Steering = {
  rollouts(): Rollouts | undefined;
  guard(): Guarding | undefined;
  /**
   * Makes ready what another configuration asks for, and returns what puts it in force. What that configuration does not touch
   * goes on as it is; the rest begins anew, from what is stored. Rejects with a UserError for what its owner must mend; then all is as before.
   */
  prepare(config: Config): Promise<() => void>;
  close(): Promise<void>;
};

export const stateKinds: readonly Kind[] = [rolloutKind, tripKind];

type Standing = { config: Config; rollouts: Rollouts | undefined; guard: Guarding | undefined };

/** The store is opened with the first rollout or guard, and stays. */
export function createSteering(parts: SteeringParts): Steering {
  const { flags, clock } = parts;
  let store: Store | undefined;
  let now: Standing | undefined;
  /** Whether what stands goes on by itself. */
  let going = false;

  /** Splits go to `split`, which is told of those that hold from the start, too. */
  async function start(config: Config, split: (flag: string, split: Split) => void): Promise<Standing> {
    const guarded = isGuarded(config);
    if (config.rollouts.size === 0 && !guarded) return { config, rollouts: undefined, guard: undefined };
    store ??= await parts.openStore(config.state, clock, stateKinds);
    const all = { ...parts, store, hex };
    const rollouts = config.rollouts.size > 0 ? await startRollouts(config, { ...all, split }) : undefined;
    try {
      return { config, rollouts, guard: guarded ? await watchOver(config, rollouts, all) : undefined };
    } catch (error) {
      await rollouts?.close();
      throw error;
    }
  }

  return {
    rollouts: () => now?.rollouts,
    guard: () => now?.guard,
    async prepare(config) {
      const before = now;
      if (before !== undefined && going && isSame(steered(before.config), steered(config)))
        return () => void (now = { ...before, config });

      const unsaved = going ? unsavedIn(before, store) : undefined;
      if (unsaved !== undefined)
        throw new UserError(
          `rollouts and guards cannot begin anew while what they know is not stored: ${unsaved}`,
        );
      // What is closed stays in force until what follows it is: trips, and how flags divide.
      going = false;
      await end(before);
      const waiting = new Map<string, Split>();
      let inForce = false;
      try {
        const next = await start(config, (flag, split) => {
          flags.splits?.check(flag, split);
          if (inForce) flags.splits?.set(flag, split);
          else waiting.set(flag, split);
        });
        return () => {
          inForce = true;
          for (const flag of before?.config.rollouts.keys() ?? [])
            if (!config.rollouts.has(flag)) flags.splits?.set(flag, undefined);
          for (const [flag, split] of waiting) flags.splits?.set(flag, split);
          now = next;
          going = true;
        };
      } catch (error) {
        if (before !== undefined) {
          now = await start(before.config, (...split) => flags.splits?.set(...split));
          going = true;
        }
        throw error;
      }
    },
    async close() {
      await end(now);
      await store?.close();
    },
  };

  async function end(standing: Standing | undefined): Promise<void> {
    await standing?.guard?.close();
    await standing?.rollouts?.close();
  }
}

/** Why something would be lost that no other proxy and no file knows. */
function unsavedIn(
  { rollouts, guard }: Partial<Standing> = {},
  store: Store | undefined,
): string | undefined {
  if (store?.kept === 'memory') return undefined;
  const views = [...(rollouts?.list() ?? []), ...(guard?.list() ?? [])];
  return views.find(({ state }) => !state.saved)?.state.detail;
}

/** The part of a configuration that rollouts and the guard act on. */
const steered = ({ rollouts, notify, context, routes }: Config): unknown => ({
  rollouts,
  notify,
  kinds: context.map(({ kind }) => kind),
  routes: routes.flatMap((route) => {
    if (route.kind === 'plain') return [];
    const { name, flag, versions, default: fallback, guard } = route;
    return [{ name, flag, versions: [...versions.keys()], fallback, guard }];
  }),
});

/** What rollouts and the guard are made of. */
type StateParts = SteeringParts & { store: Store; hex: (digits: number) => string };

const hex = (digits: number): string => randomBytes(digits).toString('hex').slice(0, digits);

async function startRollouts(
  { rollouts, routes }: Config,
  { flags, open, split, common, ...parts }: StateParts & { split: (flag: string, split: Split) => void },
): Promise<Rollouts> {
  return openRollouts({
    ...parts,
    log: common,
    rollouts,
    split(flag, wanted) {
      const unknown = [wanted.from, wanted.to].find(
        (version) => !routes.some((route) => serves(route, flag, version)),
      );
      if (unknown !== undefined)
        throw new UserError(`no route of ${flag} has the version ${unknown}, which its rollout needs`);
      split(flag, wanted);
    },
    saltOf: (flag) => flags.flagData(flag)?.salt,
    wanted: (flag) =>
      routes.some(
        (route) => route.kind === 'flag' && route.flag === flag && route.guard.onRegression !== 'off',
      )
        ? stageRequests
        : 0,
    openOn: (flag, version) => openOn(open, flag, version),
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
