import type { Test } from 'tap';
import type { Rollouts } from '../../src/admin/rollouts-api.ts';
import { startAdmin } from '../../src/admin/server.ts';
import type { AdminConfig } from '../../src/config/schema.ts';
import type { RolloutView } from '../../src/rollout/view.ts';
import { quietAdmin } from './quiet-admin.ts';

/** A rollout in its first stage of two, a quarter of the way, as the admin port shows it. */
export const aRollout = (more: Partial<RolloutView> = {}): RolloutView => ({
  flag: 'facts',
  status: 'in_progress',
  percent: 25,
  raise: undefined,
  contextKind: 'user',
  from: '0',
  to: '1',
  salt: 'a-salt',
  holdback: 0,
  stages: [
    { percent: 25, forMs: 60_000 },
    { percent: 50, forMs: 90_000 },
  ],
  stage: 0,
  elapsedMs: 18_000,
  leftMs: 42_000,
  waitsFor: undefined,
  seen: {
    control: { version: '0', requests: 900, errors: 9 },
    treatment: { version: '1', requests: 300, errors: 0 },
  },
  verbs: ['pause', 'rollback', 'promote'],
  state: { kept: 'file', healthy: true, saved: true, detail: 'kept in state.json' },
  regression: undefined,
  revision: 2,
  history: [
    {
      at: '2026-03-01T10:00:00.000Z',
      who: 'person',
      verb: 'start',
      from: 'not_started',
      to: 'in_progress',
      percent: 25,
      why: 'the raccoons are ready',
    },
  ],
  ...more,
});

type Acted = Awaited<ReturnType<Rollouts['act']>>;
type Act = { flag: string; verb: string; why: string };

/**
 * An admin port whose rollouts are what the test says: `shown` may be changed under way, `act` answers a verb and is
 * told of in `acts`. With `rollouts: undefined`, LaunchDarkly runs them.
 */
export async function startRolloutAdmin(
  t: Pick<Test, 'teardown'>,
  shown: RolloutView[],
  {
    act,
    config,
    ...more
  }: {
    act?: (asked: Act) => Acted;
    config?: Partial<AdminConfig>;
    rollouts?: undefined;
  } = {},
) {
  const acts: Act[] = [];
  const rollouts: Rollouts = {
    list: () => shown,
    act: async (flag, verb, why) => {
      const asked = { flag, verb, why };
      acts.push(asked);
      if (act !== undefined) return act(asked);
      const rollout = shown.find((one) => one.flag === flag);
      return rollout === undefined ? { ok: false, why: 'unknown', detail: '' } : { ok: true, rollout };
    },
  };
  const admin = await startAdmin(
    { address: { host: '127.0.0.1', port: 0 }, token: undefined, hosts: [], ...config },
    {
      ...quietAdmin,
      rollouts: 'rollouts' in more ? undefined : rollouts,
    },
  );
  t.teardown(() => admin.close());
  const { port } = admin.address;
  return { port, url: `http://127.0.0.1:${port}`, acts, shown, close: () => admin.close() };
}
