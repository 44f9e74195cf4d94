import type { Explained, FlagStanding, GuardStanding, Snapshot, UpstreamHealth } from './admin/snapshot.ts';
import type { Config, RouteConfig } from './config/schema.ts';
import { dividedBy } from './flags/divided.ts';
import type { FlagProvider } from './flags/provider.ts';
import { textOf } from './flags/split.ts';
import type { Pool } from './front.ts';
import type { GuardView } from './guard/view.ts';
import type { EvaluationContext } from './identity/context.ts';
import { version } from './package.ts';
import { meaning, type Explanation } from './proxy/explain.ts';
import type { Upstream } from './proxy/routes.ts';
import type { Routing } from './proxy/routing.ts';
import type { RolloutView } from './rollout/view.ts';
import type { Charted, Recorder } from './telemetry/history.ts';
import type { Tally } from './telemetry/tally.ts';

/** What an overview is put together from; asked when somebody looks. */
export type OverviewParts = {
  current: () => { config: Pick<Config, 'flags' | 'rollouts'>; routing: Pick<Routing, 'upstreams'> };
  charted: () => readonly Charted[];
  pools: () => readonly Pool[];
  now: () => number;
  startedAt: number;
  phase: () => string;
  readiness: () => Snapshot['readiness'];
  clientConnections: () => number;
  flags: () => FlagProvider | undefined;
  staleMs: () => number;
  rollouts: () => readonly RolloutView[];
  guards: () => readonly GuardView[];
  tally: Tally;
  latest: Recorder['latest'];
};

/** Flags, and upstreams, that are shown at the most. */
const shown = 100;

/** Flags that choose versions, with their routes and versions; control first. */
export function flagsOf({ routes, rollouts }: Pick<Config, 'routes' | 'rollouts'>): Charted[] {
  const byFlag = new Map<string, Extract<RouteConfig, { kind: 'flag' }>[]>();
  for (const route of routes)
    if (route.kind === 'flag') byFlag.set(route.flag, [...(byFlag.get(route.flag) ?? []), route]);
  return Array.from(byFlag, ([flag, own]) => {
    const { from, to } = rollouts.get(flag) ?? {};
    const known = own.flatMap(({ versions, default: fallback }) => [fallback, to, ...versions.keys()]);
    const versions = [from, ...known].filter((one) => one !== undefined);
    return { flag, routes: own.map(({ name }) => name), versions: [...new Set(versions)] };
  });
}

/** Everything that a dashboard shows of this moment. */
export function overviewOf(parts: OverviewParts): Snapshot {
  const { tally } = parts;
  const charted = parts.charted();
  const { config, routing } = parts.current();
  const { upstreams } = routing;
  const pools = new Map(parts.pools().map((one) => [one.name, one]));
  const provider = parts.flags();
  const { initialized = false, healthy = false, detail = 'not opened yet' } = provider?.state() ?? {};
  const rollouts = new Map(parts.rollouts().map((one) => [one.flag, one]));
  const guards = parts.guards();
  let inFlight = 0;
  for (const side of tally.sides()) inFlight += side.inFlight;
  return {
    at: Math.round(parts.now()),
    proxy: {
      version,
      phase: parts.phase(),
      uptimeMs: Math.round(parts.now() - parts.startedAt),
      connections: parts.clientConnections(),
      inFlight,
    },
    readiness: parts.readiness(),
    flagSource: {
      source: config.flags.source,
      initialized,
      healthy,
      detail,
      staleMs: Math.round(parts.staleMs()),
    },
    upstreams: upstreams.slice(0, shown).map((one) => healthOf(one, pools.get(one.name), tally)),
    flags: charted.slice(0, shown).map((one) => standingOf(one, parts, rollouts.get(one.flag), guards)),
    left: {
      flags: Math.max(0, charted.length - shown),
      upstreams: Math.max(0, upstreams.length - shown),
    },
  };
}

function standingOf(
  { flag, routes, versions }: Charted,
  { current, flags, latest }: OverviewParts,
  rollout: RolloutView | undefined,
  guards: readonly GuardView[],
): FlagStanding {
  const scheduled = scheduledOf(flags(), flag, versions[0]);
  return {
    flag,
    managedBy: managerOf(flag, current().config),
    routes: [...routes],
    versions: [...versions],
    scheduled,
    undivided: scheduled === null ? undividedOf(flags(), flag, versions) : null,
    rollout: rollout === undefined ? null : rolloutStanding(rollout),
    guards: guards.filter((one) => one.flag === flag).map(guardStanding),
    latest: latest(flag),
  };
}

const managerOf = (
  flag: string,
  { flags, rollouts }: Pick<Config, 'flags' | 'rollouts'>,
): FlagStanding['managedBy'] =>
  flags.source === 'launchdarkly' ? 'launchdarkly' : rollouts.has(flag) ? 'trenchcoat' : 'flag file';

/** Treatment's share in percent, as the flag divides those whom targets and rules leave; null where it does not. */
export function scheduledOf(
  flags: FlagProvider | undefined,
  flag: string,
  control: string | undefined,
): number | null {
  const data = flags?.flagData(flag);
  const divided = data === undefined || control === undefined ? undefined : dividedBy(data, control);
  return divided === undefined ? null : Math.round(divided.percent * 1000) / 1000;
}

/** What everybody gets of a flag that does not divide, but for targets and rules, and why. Without a value it is the route's default. */
function undividedOf(
  flags: FlagProvider | undefined,
  flag: string,
  versions: readonly string[],
): NonNullable<FlagStanding['undivided']> {
  const [fallback = null] = versions;
  if (flags?.state().initialized !== true) return { why: 'no flags yet', version: fallback };
  const data = flags.flagData(flag);
  if (data === undefined) return { why: 'no such flag', version: fallback };
  const off = 'offVariation' in data && typeof data.offVariation === 'number' ? data.offVariation : undefined;
  const value = data.variations[(data.on ? data.fallthrough?.variation : off) ?? -1];
  const version = versions.find((one) => one === textOf(value)) ?? fallback;
  return { why: data.on ? 'one version' : 'off', version };
}

function rolloutStanding(view: RolloutView): NonNullable<FlagStanding['rollout']> {
  const { status, percent, holdback, from, to, stages, elapsedMs, verbs, state, history } = view;
  const same = { status, percent, holdback, from, to, stages, elapsedMs, verbs, state, history };
  return {
    ...same,
    raise: view.raise ?? null,
    stage: view.stage ?? null,
    leftMs: view.leftMs ?? null,
    waitsFor: view.waitsFor ?? null,
  };
}

function guardStanding({
  route,
  onRegression,
  unit,
  comparing,
  seen,
  signals,
  trip,
}: GuardView): GuardStanding {
  const found = trip && {
    at: trip.at,
    route: trip.route,
    signal: trip.signal,
    action: trip.action,
    words: trip.words,
    requestIds: trip.requestIds,
  };
  return { route, onRegression, unit, comparing, seen, signals, trip: found ?? null };
}

function healthOf({ name, url }: Upstream, pool: Pool | undefined, tally: Tally): UpstreamHealth {
  const { active = 0, idle = 0, tunnels = 0, waiting = 0 } = pool ?? {};
  const well = tally.health.get(name);
  const health = well === undefined ? 'unused' : well ? 'answering' : 'failing';
  const failures = Object.fromEntries(tally.failures.get(name) ?? []);
  return { name, url: url.origin + url.pathname, health, active, idle, tunnels, waiting, failures };
}

/** An explanation for a page: without who asked, whose key may be a secret. */
export function withoutWho(explanation: Explanation, warning: string | undefined): Explained {
  const { route, flag, context, minted = [], version: chosen, reason, upstream, bucket } = explanation;
  return {
    route,
    flag: flag ?? null,
    version: chosen ?? null,
    reason,
    meaning: meaning[reason],
    upstream,
    contexts: kindsOf(context).map((one) => ({ ...one, minted: minted.includes(one.kind) })),
    bucket:
      bucket?.kind === 'rollout'
        ? {
            percent: bucket.bucket * 100,
            movesAt: bucket.movesAt ?? null,
            ranges: bucket.ranges.map(({ version, from, to }) => ({ version, from, to })),
          }
        : null,
    warning: warning ?? null,
  };
}

function kindsOf(context: EvaluationContext | undefined): { kind: string; anonymous: boolean }[] {
  if (context === undefined) return [];
  if (context.kind !== 'multi') return [{ kind: context.kind, anonymous: context['anonymous'] === true }];
  return Object.entries(context).flatMap(([kind, single]) =>
    typeof single === 'object' && single !== null
      ? [{ kind, anonymous: 'anonymous' in single && single.anonymous === true }]
      : [],
  );
}
