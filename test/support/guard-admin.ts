import type { Test } from 'tap';
import type { AdminConfig } from '../../src/config/schema.ts';
import { startAdmin } from '../../src/admin/server.ts';
import type { Cleared, GuardView } from '../../src/guard/view.ts';
import { inWords, type Regression } from '../../src/telemetry/regression.ts';
import { aRegression } from './regression.ts';
import { quietAdmin } from './quiet-admin.ts';

/** The guard of a route in its first minutes, with nothing found, as the admin port shows it. */
export const aGuard = (more: Partial<GuardView> = {}): GuardView => ({
  route: 'facts',
  flag: 'raccoon_facts_api',
  onRegression: 'rollback',
  unit: 'user',
  comparing: true,
  epoch: { number: 1, leftMs: 492_000 },
  seen: {
    control: { version: '0', units: 430, failed: 2 },
    treatment: { version: '1', units: 412, failed: 3 },
  },
  signals: [
    { signal: 'errors', evidence: Math.log(1.6), needed: Math.log(200), warned: false },
    { signal: 'latency', evidence: -0.7, needed: Math.log(200), warned: false },
    { signal: 'split', evidence: -0.7, needed: Math.log(1000), warned: false },
  ],
  trip: undefined,
  state: { saved: true, detail: 'kept in state.json' },
  launchdarkly: undefined,
  ...more,
});

/** What a guard found, as a view has it: v1 failed far more users than v0 at 50 %. */
export const aTrip = (more: Partial<Regression> = {}): NonNullable<GuardView['trip']> => {
  const at = Date.UTC(2026, 2, 1, 10);
  const regression = aRegression({ at, flag: 'raccoon_facts_api', route: 'facts', ...more });
  return { ...regression, at: new Date(regression.at).toISOString(), words: inWords(regression) };
};

type Clearing = { route: string; why: string };

/**
 * An admin port where LaunchDarkly runs the rollouts and the guards are what the test says: `shown` may be changed under
 * way, `clear` answers a clearing and is told of in `clearings`.
 */
export async function startGuardAdmin(
  t: Pick<Test, 'teardown'>,
  shown: GuardView[],
  { clear, config }: { clear?: (asked: Clearing) => Cleared; config?: Partial<AdminConfig> } = {},
) {
  const clearings: Clearing[] = [];
  const admin = await startAdmin(
    { address: { host: '127.0.0.1', port: 0 }, token: undefined, hosts: [], ...config },
    {
      ...quietAdmin,
      guards: {
        list: () => shown,
        clear: async (route, why) => {
          clearings.push({ route, why });
          if (clear !== undefined) return clear({ route, why });
          const guard = shown.find((one) => one.route === route);
          return guard === undefined ? { ok: false, why: 'unknown', detail: '' } : { ok: true, guard };
        },
      },
    },
  );
  t.teardown(() => admin.close());
  const { port } = admin.address;
  return { port, url: `http://127.0.0.1:${port}`, clearings, shown, close: () => admin.close() };
}
