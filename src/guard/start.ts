import type { Clock } from '../clock.ts';
import type { Config } from '../config/schema.ts';
import type { FlagLog } from '../flags/provider.ts';
import type { Store } from '../store/store.ts';
import { inWords, type Regression } from '../telemetry/regression.ts';
import { openGuard, type Guard, type GuardParts, type Keeper } from './guard.ts';
import { openTrips } from './trips.ts';
import { createTurnOff, type TurnOff } from './turn-off.ts';
import type { GuardedRoute } from './watch.ts';
import { openWebhooks } from './webhook.ts';

export type GuardStart = Pick<GuardParts, 'scheduled' | 'stage' | 'random' | 'found' | 'judging'> & {
  config: Pick<Config, 'routes' | 'rollouts' | 'notify' | 'flags' | 'context'>;
  store: Store;
  clock: Clock;
  log: FlagLog;
  /** For what every process of a proxy sees alike. */
  common: FlagLog;
  /** Random hexadecimal digits, this many. */
  hex: (digits: number) => string;
  /** Keeps what is found of the flags whose rollout is run here. */
  rollouts: Keeper | undefined;
};

/** The guard, with all that it sets in motion. */
export type Guarding = Guard & {
  /** Whether a flag is overridden: everybody gets control. */
  overrides(flag: string): boolean;
  /** What was found, and what keeps trips from being kept, or people from being told, in a sentence. */
  detail(): string;
};

/** Milliseconds for which a trip that is found in the state at a start is carried to LaunchDarkly. */
const youth = 600_000;

/** Milliseconds that a stop waits for webhooks. */
const farewell = 2000;

/** Rejects with a UserError for a state that its owner must mend first. */
export async function startGuard(parts: GuardStart): Promise<Guarding> {
  const { config, store, clock, log, hex, rollouts } = parts;
  const routes = guardedRoutes(config);
  const apart = new Set(routes.map(({ flag }) => flag).filter((flag) => !config.rollouts.has(flag)));
  const turnOffs = turnOffsOf(routes, config, { log, clock });
  const webhooks = openWebhooks(config.notify, { log, clock });
  const trips = await openTrips({
    flags: [...apart],
    store,
    clock,
    log: parts.common,
    hex,
    changed(flag, trip) {
      // Of an old one a person may have thought otherwise meanwhile, there.
      const young = trip !== undefined && store.now() - trip.at < youth;
      if (trip?.action !== 'rollback') turnOffs.get(flag)?.cancel();
      else if (young) turnOffs.get(flag)?.start(inWords(trip));
    },
  });
  const override: Keeper = { ...trips, trip: async (regression) => trips.trip(regression) };
  const guard = openGuard({
    ...parts,
    routes,
    keeperOf: (flag) => (apart.has(flag) ? override : (rollouts ?? override)),
    tell: (regression) => webhooks.tell(regression),
    launchdarkly: (flag) => turnOffs.get(flag)?.view(),
  });
  return {
    ...guard,
    overrides: (flag) => trips.tripped(flag)?.action === 'rollback',
    detail() {
      const found = guard
        .list()
        .flatMap(({ route, trip }) => (trip?.route === route ? [`${route} tripped: ${trip.words}`] : []));
      const kept = trips.state();
      const wrongs = [kept.healthy ? undefined : kept.detail, webhooks.trouble()];
      return [...found, ...wrongs].filter((text) => text !== undefined).join('; ') || 'watching';
    },
    async close() {
      await guard.close();
      await Promise.all([trips.close(), webhooks.close(farewell)]);
      for (const turnOff of turnOffs.values()) turnOff.close();
    },
  };
}

/** Whether a configuration has something to guard. */
export const isGuarded = ({ routes }: Pick<Config, 'routes'>): boolean =>
  routes.some((route) => route.kind === 'flag' && route.guard.onRegression !== 'off');

function guardedRoutes({ routes, rollouts, context }: GuardStart['config']): GuardedRoute[] {
  const kinds = context.map(({ kind }) => kind);
  const usual = kinds.includes('user') ? 'user' : (kinds[0] ?? 'user');
  return routes.flatMap((route): GuardedRoute[] => {
    if (route.kind === 'plain' || route.guard.onRegression === 'off') return [];
    const { name, flag, versions, guard } = route;
    const rollout = rollouts.get(flag);
    const control = rollout?.from ?? route.default;
    const treatment = rollout?.to ?? [...versions.keys()].find((version) => version !== control) ?? control;
    const onRegression: Regression['action'] = route.guard.onRegression;
    const contextKind = rollout?.contextKind ?? usual;
    return [{ name, flag, control, treatment, contextKind, guard: { ...guard, onRegression } }];
  });
}

/** One for each flag, by the first of its routes that wants it. */
function turnOffsOf(
  routes: readonly GuardedRoute[],
  { flags }: GuardStart['config'],
  parts: { log: FlagLog; clock: Clock },
): Map<string, TurnOff> {
  const turnOffs = new Map<string, TurnOff>();
  if (flags.source !== 'launchdarkly') return turnOffs;
  for (const {
    flag,
    control,
    guard: { launchdarkly },
  } of routes)
    if (launchdarkly !== undefined && !turnOffs.has(flag))
      turnOffs.set(flag, createTurnOff({ launchdarkly, flag, control, proxy: flags.proxy, ...parts }));
  return turnOffs;
}
