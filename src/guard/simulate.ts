import type { GuardConfig } from '../config/guard-schema.ts';
import { createJudge } from './judge.ts';
import { emptyTick, type Tick } from './tick.ts';
import { createWindow } from './window.ts';

/** A number from 0 up to, but not including, 1. */
export type Random = () => number;

/** A request that was answered on one version, as a world has it. `second` counts from the beginning. */
export type Asked = { user: number; onTreatment: boolean; second: number };

type Schedule = {
  /** Requests a second, on average. */
  rps: number;
  /** Treatment's share in percent, and for how many seconds. */
  stages: readonly { percent: number; seconds: number }[];
};

/** Traffic as it could be, and how both versions serve it. */
export type World = Schedule &
  (
    | {
        /** How many users there are, all alike in how often they come; `new`: nobody comes twice. */
        users: number | 'new';
        fails: (asked: Asked, random: Random) => boolean;
        /** Milliseconds to the head of a successful answer; left out where it is not looked at. */
        latency?: (asked: Asked, random: Random) => number;
      }
    | {
        /**
         * Nobody comes twice, and requests fail by chance, at these rates; until second `since`, treatment's at control's. Much
         * faster to run.
         */
        rates: { control: number; treatment: number; since?: number };
      }
  );

/** What the guard did: the second in which it acted, and on what; undefined when it saw nothing. */
export type Fired = { second: number; signal: 'errors' | 'latency' } | undefined;

/** Sets as large as those of the proxy would be for these users, or smaller where that does for fewer. */
const bitsFor = (users: number, most: number): number =>
  2 ** Math.min(most, Math.max(10, Math.ceil(Math.log2(24 * users))));

/** What seconds bring, one after the other. */
type Seconds = { next(percent: number): Tick; newEpoch(): void };

/**
 * Runs the guard through a world, again with each call: its own window and judge, as they stand in the proxy, on a time
 * that takes no time.
 */
export function createSimulation(world: World, config: GuardConfig, random: Random): () => Fired {
  const epochSeconds = config.epoch / 1000;
  return () => {
    const seconds = 'rates' in world ? byRate(world, random) : byRequest(world, config, random);
    const judge = createJudge(config);
    let second = 0;
    for (const stage of world.stages)
      for (const end = second + stage.seconds; second < end;) {
        judge.take(seconds.next(stage.percent), stage.percent / 100);
        second += 1;
        const verdict = judge.verdict();
        if (verdict !== undefined) return { second, signal: verdict.signal };
        if (second % epochSeconds !== 0) continue;
        seconds.newEpoch();
        judge.begin(second / epochSeconds + 1);
      }
    return undefined;
  };
}

/** Each request goes through a window. */
function byRequest(world: Exclude<World, { rates: object }>, config: GuardConfig, random: Random): Seconds {
  const { rps, users, fails, latency } = world;
  const inEpoch = Math.min((rps * config.epoch) / 1000, users === 'new' ? Infinity : users);
  // There are seven sets for an epoch, and four for a tick.
  const bits = { epoch: 8 * bitsFor(inEpoch, 22), tick: 4 * bitsFor(Math.min(rps, inEpoch), 18) };
  const window = createWindow({ ...config, seed: Math.floor(random() * 2 ** 32), bits });
  const crowd = Array.from({ length: users === 'new' ? 0 : users }, (_, user) => ({
    key: `user-${user}`,
    bucket: random() * 100,
  }));
  let second = 0;
  let asked = 0;
  return {
    next(percent) {
      for (let left = poisson(rps, random); left > 0; left -= 1) {
        asked += 1;
        const user = users === 'new' ? asked : Math.floor(random() * users);
        const { key, bucket } = crowd[user] ?? { key: `new-${user}`, bucket: random() * 100 };
        const one = { user, onTreatment: bucket < percent, second };
        const failed = fails(one, random);
        window.asked(key, one.onTreatment);
        window.ended(key, one.onTreatment, failed, failed ? undefined : latency?.(one, random));
      }
      second += 1;
      return window.close();
    },
    newEpoch: () => window.newEpoch(),
  };
}

/** Where nobody comes twice, a window does nothing but count. */
function byRate({ rps, rates }: Extract<World, { rates: object }>, random: Random): Seconds {
  let second = 0;
  return {
    next(percent) {
      const treated = (rps * percent) / 100;
      const [n0, n1] = [poisson(rps - treated, random), poisson(treated, random)];
      const x = binomial(n1, second < (rates.since ?? 0) ? rates.control : rates.treatment, random);
      second += 1;
      const tick = emptyTick();
      tick.errors = { n0, n1, m: binomial(n0, rates.control, random) + x, x };
      tick.units = { control: n0, treatment: n1 };
      tick.arrivals = { all: n0 + n1, treatment: n1 };
      return tick;
    },
    newEpoch: () => {},
  };
}

/** How many of so many fail, each by itself at this rate: from one that fails it is so many to the next. Exact. */
function binomial(all: number, rate: number, random: Random): number {
  if (rate >= 1) return all;
  const none = Math.log1p(-rate);
  let failed = 0;
  for (let at = gap(none, random); at < all; at += 1 + gap(none, random)) failed += 1;
  return failed;
}

const gap = (none: number, random: Random): number =>
  none === 0 ? Infinity : Math.floor(Math.log1p(-random()) / none);

/**
 * How many come when so many come on average: Knuth's method for few, and for many the normal distribution, which is near. What
 * comes of those who came does not depend on how near: the evidence takes their number as given.
 */
function poisson(mean: number, random: Random): number {
  if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(random)));
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > limit; product *= random()) count += 1;
  return count;
}

/** A number of the normal distribution. Box and Muller's method (1958). */
export const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** A random source that gives the same numbers for the same seed. Mulberry32, by Tommy Ettinger. */
export function seeded(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
