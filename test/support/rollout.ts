import { randomBytes } from 'node:crypto';
import type { Test } from 'tap';
import { rollouts as schema, type RolloutConfig } from '../../src/config/rollout-schema.ts';
import type { FlagProvider } from '../../src/flags/provider.ts';
import { openFlags } from '../../src/flags/source.ts';
import { memoryStore } from '../../src/store/memory-store.ts';
import { openRollouts, type Rollouts } from '../../src/rollout/rollouts.ts';
import type { Store } from '../../src/store/store.ts';
import type { RolloutView } from '../../src/rollout/view.ts';
import { systemClock, type Clock } from '../../src/clock.ts';
import { redisStore } from '../../src/store/redis-store.ts';
import { manualClock, type ManualClock } from './clock.ts';
import { keptLog } from './flags.ts';

/** `rollouts.api` as a configuration has it: 25 % for a minute, 50 % for a minute, then everyone. */
export const config = (more: Record<string, unknown> = {}): RolloutConfig =>
  schema
    .parse({
      api: {
        from: 0,
        to: 1,
        stages: [
          { percent: 25, for: '1m' },
          { percent: 50, for: '1m' },
        ],
        ...more,
      },
    })
    .get('api') as RolloutConfig;

type Options<C> = {
  rollouts?: Record<string, RolloutConfig>;
  clock?: C;
  store?: Store;
  file?: string;
  wanted?: number;
};

export type Running<C = ManualClock> = {
  rollouts: Rollouts;
  flags: FlagProvider;
  clock: C;
  log: ReturnType<typeof keptLog>;
  cuts: string[];
  /** The only rollout, or the one named. */
  view: (flag?: string) => RolloutView;
  /** Those of the users who get version 1 now. */
  onTreatment: (users: readonly string[], flag?: string) => Promise<Set<string>>;
};

/** The real flags with the real rollouts, on a clock that goes when told to. */
export async function startRollouts<C extends Clock = ManualClock>(
  t: Pick<Test, 'teardown'>,
  options: Options<C> = {},
): Promise<Running<C>> {
  const { rollouts = { api: config() }, file, wanted = 0 } = options;
  const clock = options.clock ?? (manualClock() as Clock as C);
  const log = keptLog();
  const flags = await openFlags({ source: 'local', ...(file !== undefined && { file }) }, log);
  t.teardown(() => flags.close(0));
  const cuts: string[] = [];
  const store = options.store ?? memoryStore(clock);
  t.teardown(() => store.close());
  const running = await openRollouts({
    rollouts: new Map(Object.entries(rollouts)),
    store,
    clock,
    log,
    hex: (digits) => randomBytes(digits).toString('hex').slice(0, digits),
    split(flag, split) {
      flags.splits?.check(flag, split);
      flags.splits?.set(flag, split);
    },
    saltOf: (flag) => flags.flagData(flag)?.salt,
    wanted: () => wanted,
    openOn: (flag, version) => () => cuts.push(`${flag} ${version}`),
  });
  t.teardown(() => running.close());
  const view = (flag = 'api') => {
    const found = running.list().find((one) => one.flag === flag);
    if (found === undefined) throw new Error(`no rollout ${flag}`);
    return found;
  };
  return {
    rollouts: running,
    flags,
    clock,
    log,
    cuts,
    view,
    async onTreatment(users, flag = 'api') {
      running.keepTime();
      const on = new Set<string>();
      for (const key of users)
        if (String((await flags.evaluate(flag, { kind: 'user', key }, '0')).value) === '1') on.add(key);
      return on;
    },
  };
}

export const crowd = (size: number): string[] => Array.from({ length: size }, (_, i) => `user-${i}`);

/** One of several proxies on a Redis, on the true time, but for a clock that is this many milliseconds wrong. */
export async function startReplica(
  t: Pick<Test, 'teardown'>,
  redis: string,
  rollout: RolloutConfig,
  {
    wrong = 0,
    ...more
  }: { wrong?: number; wanted?: number; file?: string; rollouts?: Record<string, RolloutConfig> } = {},
): Promise<Running<Clock>> {
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + wrong };
  const store = redisStore({ url: new URL(redis), prefix: 'test' }, clock);
  return startRollouts(t, { rollouts: { api: rollout }, clock, store, ...more });
}
