import type { Clock } from '../clock.ts';
import type { FlagLog } from '../flags/provider.ts';
import type { EvaluationContext } from '../identity/context.ts';
import type { Store } from '../store/store.ts';
import type { Outcome } from '../telemetry/outcome.ts';
import { doneText, inWords, oddsText, type Regression } from '../telemetry/regression.ts';
import type { Signal, Verdict } from './judge.ts';
import { createSums, lookBack, type Judging, type Series } from './sums.ts';
import { viewOf, type Cleared, type GuardView, type SignalView } from './view.ts';
import { createWatch, type GuardedRoute, type Scheduled, type Watch } from './watch.ts';

/** What keeps what was found of a flag, and acts on it: the flag's rollout, where it is run here, else an override. */
export type Keeper = {
  tripped(flag: string): Regression | undefined;
  /** From when on versions are compared, in milliseconds since 1970; undefined while there is nothing to compare. */
  watchedFrom(flag: string): number | undefined;
  /** May fail, and is tried again until `tripped` tells of it. */
  trip(regression: Regression): Promise<void>;
  clear(
    flag: string,
    why: string,
  ): Promise<{ ok: true } | { ok: false; why: 'unknown' | 'refused' | 'away'; detail: string }>;
  saved(flag: string): GuardView['state'];
};

export type GuardParts = {
  routes: readonly GuardedRoute[];
  keeperOf: (flag: string) => Keeper;
  /** How a flag divides whom its targets and rules leave, seen from this control. */
  scheduled: (flag: string, control: string) => Scheduled;
  /** The index of the stage that a flag's rollout is in; null where there is none. */
  stage: (flag: string) => number | null;
  /** Told of what this proxy has found, as it is found. */
  found: (regression: Regression) => void;
  /** Tells people; once for all proxies that share a store. */
  tell: (regression: Regression) => void;
  launchdarkly: (flag: string) => GuardView['launchdarkly'];
  judging: Judging;
  store: Store;
  clock: Clock;
  log: Pick<FlagLog, 'warn' | 'error'>;
  /** 32 random bits. */
  random: () => number;
};

export type Guard = {
  /** Takes note of a request that a percentage decided, as it begins. */
  asked(route: string, version: string, context: EvaluationContext): void;
  /** Takes note of a request at its end. */
  saw(outcome: Outcome, context: EvaluationContext): void;
  list(): GuardView[];
  /** How the tests of a route stand; undefined where nothing is guarded. */
  signals(route: string): SignalView[] | undefined;
  /** A person has seen to what was found on a route: it compares anew. */
  clear(route: string, why: string): Promise<Cleared>;
  close(): Promise<void>;
};

type Watched = {
  watch: Watch;
  keeper: Keeper;
  series: Series;
  /** What was found and is not known to be kept yet. */
  pending: Regression | undefined;
  warned: Set<Signal>;
  /** Treatment's share, 0 to 1, and for how many seconds it was the same. */
  share: number | undefined;
  steady: number;
  /** Whether the last second could not be judged, by a fault of ours. */
  faulty: boolean;
};

const second = 1000;
/** Milliseconds after a second's end that its counts are taken; timers may be early by one. */
const slack = 10;
/** Seconds after which what was under way when the share changed no longer counts for much. */
const settled = 10;
const dayMs = 86_400_000;

/** Watches routes, second by second, and does what their owners said when treatment is worse than control. */
export function openGuard(parts: GuardParts): Guard {
  const { store, clock, log } = parts;
  const sums = createSums(store, parts.judging);
  const all = parts.routes.map((route): Watched => ({
    watch: createWatch(route, parts.random),
    keeper: parts.keeperOf(route.flag),
    series: { name: '', judged: 0 },
    pending: undefined,
    warned: new Set(),
    share: undefined,
    steady: 0,
    faulty: false,
  }));
  const byRoute = new Map(all.map((one) => [one.watch.route.name, one]));

  let closed = false;
  let running: Promise<void> | undefined;
  /** What is being told, so that a stop does not cut it short. */
  const telling = new Set<Promise<void>>();
  /** What could not be acted on, and was said so. */
  const said = new WeakSet<Regression>();
  let cancel = arm();
  function arm(): () => void {
    return clock.after(second + slack - (store.now() % second), () => {
      cancel = arm();
      // A store that is slow makes ticks longer, not many.
      running ??= everySecond().finally(() => (running = undefined));
    });
  }

  const now = () => store.now();
  /** A time that has passed: when the last second was looked at. */
  let lastSecond = 0;
  async function everySecond(): Promise<void> {
    lastSecond = now();
    const ended = Math.floor((store.now() - slack / 2) / second) - 1;
    sums.begin();
    for (const one of all) {
      if (closed) return;
      try {
        await weigh(one, ended);
        one.faulty = false;
      } catch (error) {
        // It costs this route a second, and the process nothing. Said once, until it is over.
        const { name: route } = one.watch.route;
        if (!one.faulty) log.error({ err: error, route }, 'a route cannot be watched; trying again');
        one.faulty = true;
      }
    }
  }

  /** Takes in the second that has ended; decides; and begins the next epoch when its time has come. */
  async function weigh(one: Watched, ended: number): Promise<void> {
    const { watch, keeper } = one;
    const { flag, guard } = watch.route;
    const own = watch.endTick();
    const from = keeper.watchedFrom(flag);
    if (from === undefined) return;
    const j = Math.max(1, Math.floor(((ended + 1) * second - from) / guard.epoch) + 1);
    if (watch.epoch().from !== from) return begin(one, from, j, ended);
    const share = shareOf(one);
    const seconds = await sums.after(one.series, own, ended);
    for (const [index, tick] of seconds.entries()) {
      // Of several, the earlier may be of a time before the share was what it is.
      const age = seconds.length - 1 - index;
      watch.judge.take(tick, one.steady > settled + age ? share : undefined);
    }
    // While the store was asked, a person may have said to go on: then all this is of the past.
    if (keeper.watchedFrom(flag) !== from) return;
    decide(one);
    if (watch.epoch().j !== j) begin(one, from, j, ended);
  }

  /** The scheduled share; for how long it has been the same is noted. */
  function shareOf(one: Watched): number | undefined {
    const { route } = one.watch;
    const scheduled = parts.scheduled(route.flag, route.control);
    one.watch.countBy(scheduled?.contextKind ?? route.contextKind);
    const share = scheduled && scheduled.percent / 100;
    one.steady = share === one.share ? one.steady + 1 : 0;
    one.share = share;
    return share;
  }

  function decide(one: Watched): void {
    const { watch, keeper, pending } = one;
    const { flag } = watch.route;
    if (keeper.tripped(flag) !== undefined) {
      one.pending = undefined;
      return;
    }
    if (pending !== undefined) return carryOut(one, pending);
    if (parts.judging === 'for show') return;
    const verdict = watch.judge.verdict();
    if (verdict === undefined) warn(one);
    else act(one, verdict);
  }

  function act(one: Watched, verdict: Verdict | undefined): void {
    const { flag } = one.watch.route;
    const percent = one.share === undefined ? null : Math.round(one.share * 1e5) / 1e3;
    const circumstances = { at: Math.round(store.now()), percent, stage: parts.stage(flag) };
    const regression = (one.pending = one.watch.regression(verdict, circumstances));
    log.error(
      { regression: { ...regression, at: new Date(regression.at).toISOString() } },
      `route ${regression.route}: ${inWords(regression)}; ${doneText(regression, regression.control.version)}`,
    );
    parts.found(regression);
    const told = tellOnce(regression).finally(() => telling.delete(told));
    telling.add(told);
    carryOut(one, regression);
  }

  function carryOut({ keeper }: Watched, regression: Regression): void {
    keeper.trip(regression).catch((error: unknown) => {
      // It is tried each second.
      if (said.has(regression)) return;
      said.add(regression);
      log.error(
        { err: error, route: regression.route },
        'what the guard found cannot be acted on yet; trying again',
      );
    });
  }

  /** Whoever finds it first tells of it; when that cannot be known, everybody does. */
  async function tellOnce(regression: Regression): Promise<void> {
    const claim = { series: `told:${regression.id}`, tick: 0, numbers: [1], keptFor: dayMs };
    const claimed = await store.shared?.add(claim, 0, 0).catch(() => undefined);
    if ((claimed?.get(0)?.[0] ?? 1) === 1) parts.tell(regression);
  }

  function warn(one: Watched): void {
    const { watch, warned } = one;
    const { route } = watch;
    for (const { signal, evidence, warn: doubt, act: needed } of watch.judge.standings()) {
      if (evidence < doubt || warned.has(signal)) continue;
      warned.add(signal);
      const { control, treatment } = watch.judge.counts();
      const seen = { control, treatment, unit: watch.unit() };
      const odds = { evidence: oddsText(evidence), needed: oddsText(needed) };
      const acts = signal === 'split' ? '' : `, and it acts at ${odds.needed}`;
      log.warn(
        { route: route.name, flag: route.flag, signal, ...odds, ...seen },
        `route ${route.name}: ${doubts[signal]}: evidence ${odds.evidence}${acts}`,
      );
    }
  }

  return {
    asked: (route, version, context) => byRoute.get(route)?.watch.asked(version, context),
    saw(outcome, context) {
      // Whom chance divides; those whom a target or a rule sends to a version are not to be compared.
      if (outcome.reason !== 'FALLTHROUGH') return;
      const one = byRoute.get(outcome.route ?? '');
      if (one === undefined) return;
      const { watch, keeper } = one;
      // What was asked for before a person said to go on tells of the v1 there was then. The time is looked at only where it matters.
      const { from } = watch.epoch();
      if (lastSecond - outcome.durationMs < from && now() - outcome.durationMs < from) return;
      if (!watch.saw(outcome, context, now)) return;
      const { flag } = watch.route;
      if (one.pending !== undefined || keeper.watchedFrom(flag) !== watch.epoch().from) return;
      if (keeper.tripped(flag) === undefined) act(one, undefined);
    },
    list: () => all.map(view),
    signals(route) {
      const one = byRoute.get(route);
      return one && view(one).signals;
    },
    async clear(route, why) {
      const one = byRoute.get(route);
      if (one === undefined)
        return { ok: false, why: 'unknown', detail: `no route ${route} has a guard; there are: ${names()}` };
      const cleared = await one.keeper.clear(one.watch.route.flag, why);
      return cleared.ok ? { ok: true, guard: view(one) } : cleared;
    },
    async close() {
      closed = true;
      cancel();
      await running;
      await Promise.all(telling);
    },
  };

  function view(one: Watched): GuardView {
    return viewOf(one, store.now(), parts.launchdarkly(one.watch.route.flag));
  }

  function names(): string {
    return [...byRoute.keys()].join(', ') || 'none';
  }
}

function begin(one: Watched, from: number, j: number, ended: number): void {
  one.watch.begin(from, j);
  // Where proxies share their counts, this epoch may have begun without us.
  const start = Math.floor((from + (j - 1) * one.watch.route.guard.epoch) / second);
  one.series = {
    name: `${one.watch.route.name}:${from}:${j}`,
    judged: Math.max(start, ended - lookBack) - 1,
  };
  one.pending = undefined;
  one.warned.clear();
}

const doubts: Record<Signal, string> = {
  errors: 'v1 may be failing more often than v0',
  latency: 'v1 may be slower than v0',
  split:
    'users do not divide as the flag says; see that each has one key, the same on every request, and that caches in front heed Vary',
};
