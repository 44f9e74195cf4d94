import type { Clock } from '../clock.ts';
import { quantile } from './histogram.ts';
import type { History, Moment, VersionMoment } from './moment.ts';
import { headBounds, type Side, type Tally } from './tally.ts';

/** A flag that chooses versions, and the routes on which it does; control first. */
export type Charted = { flag: string; routes: readonly string[]; versions: readonly string[] };

/** What is known of a flag at the end of a step, beside what was served. */
export type Standing = Pick<Moment, 'scheduled' | 'evidence'>;

/** What the versions of each flag did lately. Found each second from what was counted: requests pay nothing for it. */
export type Recorder = {
  charted: () => readonly Charted[];
  /** Goes on with these flags; what is known of those that stay is kept. */
  follow: (flags: readonly Charted[]) => void;
  /** The second that ended last. */
  latest: (flag: string) => Moment;
  /** The last ten minutes by seconds, or the last day by minutes; undefined for an unknown flag. */
  history: (flag: string, span: 'minutes' | 'day') => History | undefined;
  /** Calls back when a second has ended, with the time it ended; how to stop it. */
  everySecond: (listener: () => void) => () => void;
  close(): void;
};

const second = 1000;
/** Milliseconds by which a timer may come too early; a second that has so little left is over. */
const early = 50;
/** Flags with a history at the most: with traffic, one takes up to a megabyte. Those that see traffic first have theirs. */
const mostCharted = 32;

/** What one version did in a step. */
type Part = { requests: number; failed: number; divided: number; heads: Float64Array };

export function createRecorder(
  flags: readonly Charted[],
  tally: Pick<Tally, 'side'>,
  standing: (charted: Charted) => Standing,
  clock: Clock,
  onFault: (error: unknown) => void,
): Recorder {
  const untouched = { latest: undefined, scheduled: null, series: undefined };
  let all = new Map(
    flags.map((one): [string, Flag] => [one.flag, { ...one, ...untouched, before: new Map() }]),
  );
  const listeners = new Set<() => void>();
  let withHistory = 0;
  let faulty = false;

  let cancel = arm();
  function arm(): () => void {
    return clock.after(second - ((clock.now() + early) % second) + early, () => {
      cancel = arm();
      try {
        const ended = Math.floor((clock.now() + early) / second) * second;
        for (const one of all.values()) endSecond(one, ended);
        for (const listener of listeners) listener();
        faulty = false;
      } catch (error) {
        // What is shown of requests must not be what ends them. Said once, until it is over.
        if (!faulty) onFault(error);
        faulty = true;
      }
    });
  }

  function endSecond(one: Flag, ended: number): void {
    const at = ended - second;
    const parts = partsOf(one);
    if (one.series === undefined) {
      if (parts.size > 0 && withHistory < mostCharted) {
        withHistory += 1;
        one.series = { minutes: createSeries(1, 600), day: createSeries(60, 1440) };
      } else if (parts.size === 0) {
        one.latest = undefined;
        return;
      }
    }
    const now = standing(one);
    one.latest = momentOf(at, parts, now, one.versions);
    if (one.series === undefined || (parts.size === 0 && now.scheduled === one.scheduled)) return;
    one.scheduled = now.scheduled;
    one.series.minutes.take(at, parts, now, one.versions);
    one.series.day.take(at, parts, now, one.versions);
  }

  /** What each version has done since the last time; without those that have done nothing. */
  function partsOf({ routes, versions, before }: Flag): Map<string, Part> {
    const parts = new Map<string, Part>();
    for (const version of versions)
      for (const route of routes) {
        const side = tally.side(route, version);
        const last = side && before.get(side);
        if (side === undefined || (side.requests === last?.requests && dividedSo(side) === last.divided))
          continue;
        const now = partOf(side);
        before.set(side, now);
        parts.set(version, plus(parts.get(version) ?? nothing(), now, last));
      }
    return parts;
  }

  return {
    charted: () => [...all.values()],
    follow(next) {
      all = new Map(
        next.map((one) => {
          const known = all.get(one.flag) ?? { ...untouched, before: new Map() };
          return [one.flag, { ...known, ...one }];
        }),
      );
      withHistory = [...all.values()].filter(({ series }) => series !== undefined).length;
    },
    latest(flag) {
      const { latest, versions = [] } = all.get(flag) ?? {};
      const at = Math.floor(clock.now() / second - 1) * second;
      return latest ?? momentOf(at, new Map(), { scheduled: null, evidence: {} }, versions);
    },
    history(flag, span) {
      const one = all.get(flag);
      if (one === undefined) return undefined;
      const series = one.series?.[span];
      return { flag, step: span === 'minutes' ? 1 : 60, moments: series?.since(clock.now()) ?? [] };
    },
    everySecond(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => cancel(),
  };
}

type Flag = Charted & {
  /** What each side had come to when it was last looked at. */
  before: Map<Side, Part>;
  /** Undefined when nothing happened in the last second. */
  latest: Moment | undefined;
  /** What the last recorded moment was scheduled at. */
  scheduled: number | null;
  series: { minutes: Series; day: Series } | undefined;
};

type Parts = ReadonlyMap<string, Part>;

type Series = {
  take(at: number, parts: Parts, standing: Standing, versions: readonly string[]): void;
  since(now: number): Moment[];
};

/** Moments of `step` seconds; `kept` steps back from now. The last one grows until its time is over. */
function createSeries(step: number, kept: number): Series {
  const moments: Moment[] = [];
  let sums = new Map<string, Part>();
  const length = step * second;
  const forget = (now: number) => {
    const gone = moments.findIndex(({ at }) => at > now - (kept + 1) * length);
    moments.splice(0, gone < 0 ? moments.length : gone);
  };
  return {
    take(at, parts, standing, versions) {
      const from = Math.floor(at / length) * length;
      if (moments.at(-1)?.at === from) moments.pop();
      else sums = new Map();
      for (const [version, part] of parts) sums.set(version, plus(sums.get(version) ?? nothing(), part));
      moments.push(momentOf(from, sums, standing, versions));
      forget(at);
    },
    since(now) {
      forget(now);
      return moments;
    },
  };
}

function momentOf(at: number, parts: Parts, standing: Standing, versions: readonly string[]): Moment {
  const [control] = versions;
  const divided = sumOf([...parts.values()]);
  const treated = sumOf([...parts].flatMap(([version, part]) => (version === control ? [] : part)));
  return {
    at,
    ...standing,
    observed: divided === 0 ? null : rounded((treated / divided) * 100),
    versions: Object.fromEntries(versions.map((version) => [version, shown(parts.get(version))])),
  };
}

const sumOf = (parts: readonly Part[]) => parts.reduce((sum, { divided }) => sum + divided, 0);

function shown(part: Part | undefined): VersionMoment {
  if (part === undefined) return { requests: 0, failed: 0, p50: null, p95: null, p99: null };
  const at = (share: number) => {
    const seconds = quantile(headBounds, part.heads, share);
    return seconds === undefined ? null : rounded(seconds * 1000);
  };
  return { requests: part.requests, failed: part.failed, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

const rounded = (value: number) => Math.round(value * 1000) / 1000;

const nothing = (): Part => ({
  requests: 0,
  failed: 0,
  divided: 0,
  heads: new Float64Array(headBounds.length + 1),
});

/** What a version has served since the start. */
const partOf = (side: Side): Part => ({
  requests: side.requests,
  failed: side.failed,
  divided: dividedSo(side),
  heads: side.heads.counts.slice(),
});

const dividedSo = ({ decisions }: Side): number => decisions.get('FALLTHROUGH') ?? 0;

/** `a` and what is in `b` since it was `before`. */
const plus = (a: Part, b: Part, before?: Part): Part => ({
  requests: a.requests + b.requests - (before?.requests ?? 0),
  failed: a.failed + b.failed - (before?.failed ?? 0),
  divided: a.divided + b.divided - (before?.divided ?? 0),
  heads: a.heads.map((count, index) => count + (b.heads[index] ?? 0) - (before?.heads[index] ?? 0)),
});
