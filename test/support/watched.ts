import type { Test } from 'tap';
import { guard as guardSchema } from '../../src/config/guard-schema.ts';
import { openGuard, type GuardParts } from '../../src/guard/guard.ts';
import type { Store } from '../../src/store/store.ts';
import { memoryStore } from '../../src/store/memory-store.ts';
import type { Outcome } from '../../src/telemetry/outcome.ts';
import type { Regression } from '../../src/telemetry/regression.ts';
import { manualClock, second, type ManualClock } from './clock.ts';
import { keptLog } from './flags.ts';

export type Answered = { failed?: boolean; error?: Outcome['error']; headMs?: number };

/** A guard of one route, whose flag is at 50 %, on a time that goes when told to. What it finds is kept at once. */
export async function startWatched(
  t: Pick<Test, 'teardown'>,
  more: Partial<Pick<GuardParts, 'scheduled' | 'store'>> & { clock?: ManualClock } = {},
) {
  const { clock = manualClock() } = more;
  const store: Store = more.store ?? memoryStore(clock);
  const log = keptLog();
  let found: Regression | undefined;
  let from = store.now();
  const guard = openGuard({
    found: () => {},
    judging: 'what it saw',
    routes: [
      {
        name: 'facts',
        flag: 'facts',
        control: '0',
        treatment: '1',
        contextKind: 'user',
        guard: { ...guardSchema.parse({}), onRegression: 'rollback' },
      },
    ],
    keeperOf: () => ({
      tripped: () => found,
      watchedFrom: () => from,
      trip: async (regression) => void (found ??= regression),
      async clear() {
        found = undefined;
        from = store.now();
        return { ok: true };
      },
      saved: () => ({ saved: true, detail: '' }),
    }),
    scheduled: () => ({ percent: 50, contextKind: 'user' }),
    stage: () => 0,
    tell: () => {},
    launchdarkly: () => undefined,
    clock,
    log,
    random: () => 4711,
    ...more,
    store,
  });
  t.teardown(() => guard.close());
  // The first second begins the comparison.
  await clock.pass(2 * second);
  let asked = 0;
  return {
    guard,
    clock,
    log,
    found: () => found,
    saw: (key: string, version: string, { failed = false, error, headMs = 20 }: Answered = {}): void => {
      asked += 1;
      const outcome = {
        id: `request-${asked}`,
        route: 'facts',
        version,
        reason: 'FALLTHROUGH',
        method: 'GET',
        path: '/fact/',
        status: failed || error !== undefined ? 502 : 200,
        durationMs: headMs,
        headMs: failed || error !== undefined ? undefined : headMs,
        bytesIn: 0,
        bytesOut: 0,
        upstream: `v${version}`,
        error,
      };
      guard.asked('facts', version, { kind: 'user', key });
      guard.saw(outcome, { kind: 'user', key });
    },
  };
}
