import type { AdminParts, Readiness } from './admin/server.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config/schema.ts';
import type { FlagProvider } from './flags/provider.ts';
import { createStaleness } from './flags/staleness.ts';
import type { Guarding } from './guard/start.ts';
import type { Front } from './front.ts';
import { flagsOf, overviewOf, scheduledOf, withoutWho } from './overview.ts';
import { version } from './package.ts';
import { explainRequest } from './proxy/explain.ts';
import type { Routing } from './proxy/routing.ts';
import type { ReloadCounts } from './reload.ts';
import type { Rollouts } from './rollout/rollouts.ts';
import { createRecorder, type Standing } from './telemetry/history.ts';
import type { Log } from './telemetry/log.ts';
import { createMetrics } from './telemetry/metrics.ts';
import type { Tally } from './telemetry/tally.ts';

export type Phase = 'starting' | 'ready' | 'draining';

/** A proxy from the moment it begins to start: what is not there yet is undefined. */
export type Observed = {
  /** What is served now. */
  current: () => { config: Config; routing: Routing };
  clock: Clock;
  phase: () => Phase;
  flags: () => FlagProvider | undefined;
  rollouts: () => Rollouts | undefined;
  guard: () => Guarding | undefined;
  front: () => Front | undefined;
  reloads: () => ReloadCounts;
  log: Pick<Log, 'dropped' | 'error'>;
  tally: Tally;
};

/** What an admin port shows of a proxy. */
export type Observation = {
  admin: Omit<AdminParts, 'rollouts' | 'guards' | 'reload'>;
  /** Another configuration is served. */
  reloaded(): void;
  close(): void;
};

const detail = (name: string, text: string | undefined) => (text === undefined ? {} : { [name]: text });

const notOpened = { initialized: false, healthy: false, detail: 'not opened yet' };

/** Puts together what is shown of a proxy: metrics, history, readiness, explanations. */
export function observe({ current, clock, phase, tally, ...parts }: Observed): Observation {
  const startedAt = clock.now();
  const flagState = () => parts.flags()?.state() ?? notOpened;
  const staleMs = createStaleness(flagState, clock);
  const rollouts = () => parts.rollouts()?.list() ?? [];
  const guards = () => parts.guard()?.list() ?? [];
  const connections = () => parts.front()?.connections() ?? 0;
  const pools = () => parts.front()?.pools() ?? [];

  const recorder = createRecorder(
    flagsOf(current().config),
    tally,
    ({ flag, versions: [control], routes }) => ({
      scheduled: scheduledOf(parts.flags(), flag, control),
      evidence: evidenceOn(routes, parts.guard()),
    }),
    clock,
    (error) => parts.log.error({ err: error }, 'what is shown of a second could not be put together'),
  );
  recorder.everySecond(staleMs);

  const metrics = createMetrics(
    {
      tally,
      clientConnections: connections,
      upstreams: pools,
      certificates: () => [
        ...(parts.front()?.expiries() ?? []),
        ...current().routing.upstreams.flatMap(({ shown }) => shown.now ?? []),
      ],
      flagSource() {
        const { initialized, healthy } = flagState();
        return { ready: initialized && healthy, staleMs: staleMs() };
      },
      rollouts,
      guards,
      droppedLines: () => parts.log.dropped() + (parts.front()?.dropped() ?? 0),
      reloads: parts.reloads,
      version,
    },
    async () => (await parts.front()?.gather()) ?? [],
  );

  const readiness = (): Readiness => {
    const workers = parts.front()?.workers();
    return {
      ready: phase() === 'ready' && workers?.up !== 0,
      checks: {
        proxy: phase(),
        ...detail('workers', workers && `${workers.up} of ${workers.wanted}`),
        flags: flagState().detail,
        ...detail('config', parts.reloads().trouble),
        ...detail('rollouts', parts.rollouts()?.state().detail),
        ...detail('guard', parts.guard()?.detail()),
      },
    };
  };

  const isOverridden = (flag: string) => parts.guard()?.overrides(flag) ?? false;
  const overview = {
    current,
    charted: recorder.charted,
    now: () => clock.now(),
    startedAt,
    phase,
    readiness,
    clientConnections: connections,
    pools,
    flags: parts.flags,
    staleMs,
    rollouts,
    guards,
    tally,
    latest: recorder.latest,
  };
  return {
    admin: {
      readiness,
      metrics: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
      snapshot: () => overviewOf(overview),
      everySecond: recorder.everySecond,
      histories: recorder.history,
      async explain(question) {
        const flags = parts.flags();
        if (flags === undefined) return 'the proxy is starting, and has no flags yet';
        const explained = await explainRequest(question, {
          routing: current().routing,
          flags,
          tripped: isOverridden,
        });
        const { healthy, detail } = flags.state();
        return typeof explained === 'string'
          ? explained
          : withoutWho(explained, healthy ? undefined : detail);
      },
    },
    reloaded: () => recorder.follow(flagsOf(current().config)),
    close: () => recorder.close(),
  };
}

/** How the comparisons of versions stand, by route. */
function evidenceOn(routes: readonly string[], guard: Guarding | undefined): Standing['evidence'] {
  const evidence: Standing['evidence'] = {};
  for (const route of routes) {
    const signals = guard?.signals(route);
    const errors = signals?.find(({ signal }) => signal === 'errors');
    const latency = signals?.find(({ signal }) => signal === 'latency');
    if (errors !== undefined && latency !== undefined)
      evidence[route] = { errors: errors.evidence, latency: latency.evidence, needed: errors.needed };
  }
  return evidence;
}
