import type { Clock } from './clock.ts';
import type { Config } from './config/schema.ts';
import type { FlagProvider } from './flags/provider.ts';
import type { Guarding } from './guard/start.ts';
import type { HandlerParts } from './proxy/handle.ts';
import type { Rollouts } from './rollout/rollouts.ts';
import type { Log } from './telemetry/log.ts';
import { failedUpstream } from './telemetry/outcome.ts';
import type { Tally } from './telemetry/tally.ts';

/** Who is told of requests. */
export type Told = {
  config: Pick<Config, 'routes'>;
  tally: Tally;
  log: Pick<Log, 'access' | 'error'>;
  flags: Pick<FlagProvider, 'report'>;
  rollouts: Pick<Rollouts, 'saw'> | undefined;
  guard: Pick<Guarding, 'asked' | 'saw'> | undefined;
  clock: Clock;
};

/** Milliseconds between two lines that say that descriptors or ports have run out. */
const exhaustedPause = 10_000;

/** What a request tells as it is decided, and as it ends. */
export function createTelling({
  config,
  tally,
  log,
  flags,
  rollouts,
  guard,
  clock,
}: Told): Pick<HandlerParts, 'decided' | 'record' | 'onFault'> {
  const flagOf = new Map(
    config.routes.flatMap((route) => (route.kind === 'flag' ? [[route.name, route.flag]] : [])),
  );
  let exhausted = -Infinity;
  return {
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
        flags.report?.(context, failedUpstream(outcome), outcome.headMs);
        guard?.saw(outcome, context);
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
  };
}
