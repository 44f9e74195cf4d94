import { randomBytes } from 'node:crypto';
import type { Test } from 'tap';
import { systemClock, type Clock } from '../../src/clock.ts';
import { tripKind } from '../../src/guard/trip.ts';
import { openTrips, type Trips } from '../../src/guard/trips.ts';
import { openStore } from '../../src/store/open-store.ts';
import { redisStore } from '../../src/store/redis-store.ts';
import type { Store } from '../../src/store/store.ts';
import type { Regression } from '../../src/telemetry/regression.ts';
import { keptLog } from './flags.ts';
import { aRegression } from './regression.ts';

const hex = (digits: number) => randomBytes(digits).toString('hex').slice(0, digits);

/** What a guard finds: another one each time. */
export const found = (more: Partial<Regression> = {}): Regression =>
  aRegression({ id: hex(16), flag: 'api', ...more });

export type RunningTrips = Trips & {
  log: ReturnType<typeof keptLog>;
  /** Each change that was told, as `FLAG ID`, or `FLAG -` for one that went. */
  told: string[];
};

/** The trips of these flags in a store, which is closed with them. */
export async function startTrips(
  t: Pick<Test, 'teardown'>,
  store: Store,
  clock: Clock,
  flags: readonly string[] = ['api'],
): Promise<RunningTrips> {
  const log = keptLog();
  const told: string[] = [];
  const changed = (flag: string, trip: Regression | undefined) =>
    void told.push(`${flag} ${trip?.id ?? '-'}`);
  t.teardown(() => store.close());
  const trips = await openTrips({ flags, store, clock, log, hex, changed });
  t.teardown(() => trips.close());
  return { ...trips, log, told };
}

/** Trips in a file, as a proxy opens them. */
export async function startTripsIn(t: Pick<Test, 'teardown'>, file: string, clock: Clock, flags?: string[]) {
  return startTrips(t, await openStore({ kept: 'file', file }, clock, [tripKind]), clock, flags);
}

/** One of several proxies on a Redis, on the true time, but for a clock that is this many milliseconds wrong. */
export async function startTripReplica(
  t: Pick<Test, 'teardown'>,
  redis: string,
  { wrong = 0, flags = ['api'] }: { wrong?: number; flags?: readonly string[] } = {},
): Promise<RunningTrips> {
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + wrong };
  return startTrips(t, redisStore({ url: new URL(redis), prefix: 'test' }, clock), clock, flags);
}
