import type { RolloutConfig } from '../config/rollout-schema.ts';
import { UserError } from '../config/errors.ts';
import type { Clock } from '../clock.ts';
import type { Regression } from '../telemetry/regression.ts';
import { faultOf, inForce, lacksTraffic, regressionOf, type Known } from './known.ts';
import { nextStep } from './schedule.ts';
import { serve, type Served } from './serve.ts';
import type { Store } from '../store/store.ts';
import { turns } from '../store/turns.ts';
import { createTraffic } from './traffic.ts';
import { transitions, type PersonVerb } from './transitions.ts';
import { createUpkeep, type UpkeepParts } from './upkeep.ts';
import { createVerbs } from './verbs.ts';
import { viewOf, type Acted, type RolloutView } from './view.ts';

export type RolloutParts = Pick<UpkeepParts, 'log' | 'hex'> &
  Pick<Served, 'split'> & {
    rollouts: ReadonlyMap<string, RolloutConfig>;
    store: Store;
    clock: Clock;
    /** The salt that a flag has already. */
    saltOf: (flag: string) => string | undefined;
    /** Requests on treatment that each stage of a flag's rollout waits for; 0 when it is timed alone. */
    wanted: (flag: string) => number;
    /** What is open now on a version of a flag; called later, the function cuts what of it is still open then. */
    openOn: (flag: string, version: string) => () => void;
  };

/** Progressive rollouts, run by this proxy, alone or together with others that share its store. */
export type Rollouts = {
  /** Makes the raises whose time has come. Called with each request, so that no timer's lateness shows. */
  keepTime(): void;
  /** Takes note of a request that a flag's rollout decided. */
  saw(flag: string, version: string, failed: boolean): void;
  list(): RolloutView[];
  /** What the guard found of a flag, until a person has seen to it. */
  tripped(flag: string): Regression | undefined;
  /** From when on a flag's versions are to be compared, by the store's clock; undefined while there is nothing to compare. */
  watchedFrom(flag: string): number | undefined;
  /**
   * Does what a regression asks for: rolls back, holds, or notes it. A rollback is in force at once. Rejects when the
   * others cannot be written, and is to be tried again, until `tripped` tells of it.
   */
  trip(regression: Regression): Promise<void>;
  /** A person has seen to what the guard found: it compares anew, and what it held goes on. */
  clear(flag: string, why: string): Promise<Acted>;
  saved(flag: string): { saved: boolean; detail: string };
  act(flag: string, verb: PersonVerb, why: string): Promise<Acted>;
  /** One sentence for readiness, and whether the state can be read and written. */
  state(): { healthy: boolean; detail: string };
  close(): Promise<void>;
};

/** Milliseconds after which a store in trouble is tried again, when no other proxy makes us look anyway. */
const retry = 1000;

/**
 * Takes up rollouts where the store has them, begins those it does not know, and goes on by itself. Rejects with a
 * UserError for what its owner must mend first. A shared store that is away is no error: control is served until
 * it answers.
 */
export async function openRollouts(parts: RolloutParts): Promise<Rollouts> {
  const { store, clock } = parts;
  const known = new Map(Array.from(parts.rollouts, ([flag, config]) => [flag, unknown(flag, config, parts)]));
  const all = [...known.values()];
  let due = Infinity;
  const serveAll = () => {
    due = serve(all, store.now(), { ...parts, onReverted: cutLater });
  };
  const upkeep = createUpkeep({ ...parts, serve: serveAll });

  function cutLater({ flag, config, state }: Known): void {
    if (config.cutStreamsAfter === undefined) return;
    clock.after(config.cutStreamsAfter, parts.openOn(flag, state?.to ?? config.to));
  }

  /** One at a time: looks and verbs all read, think and write. */
  const { inTurn, over } = turns();

  let cancel: (() => void) | undefined;
  let closed = false;
  function arm(): void {
    cancel?.();
    const time = closed ? Infinity : untilNextLook();
    cancel = time === Infinity ? undefined : clock.after(time, () => void nextLook());
  }

  /** A look that has not begun yet serves everybody who wants one. */
  let waiting: Promise<void> | undefined;
  const nextLook = (): Promise<void> =>
    (waiting ??= inTurn(async () => {
      waiting = undefined;
      await look();
      arm();
    }));

  async function look(): Promise<void> {
    if (closed) return;
    const before = kinds();
    await upkeep.look(all);
    tell(before);
  }

  /** What is in the way: of all rollouts, or of single ones. */
  const wrongs = (): string[] => {
    const trouble = upkeep.trouble();
    return trouble === undefined ? all.flatMap((one) => faultOf(one) ?? []) : [trouble.message];
  };
  const kinds = () => JSON.stringify([upkeep.trouble()?.kind, all.map(({ faults }) => Object.keys(faults))]);

  /** What is wrong is said once, and so is its end. */
  function tell(before: string): void {
    if (kinds() === before) return;
    const now = wrongs();
    if (now.length === 0) parts.log.info({}, 'the state of rollouts can be used again');
    else parts.log.error({}, `rollouts are held where they are: ${now.join('; ')}`);
  }

  function untilNextLook(): number {
    if (store.shared !== undefined) return store.shared.every;
    if (upkeep.trouble() !== undefined || all.some(({ rollback }) => rollback !== undefined)) return retry;
    const steps = all.map((one) => one.state && nextStep(one.state, lacksTraffic(one))?.at);
    return Math.max(0, Math.min(...steps.map((at) => at ?? Infinity)) - store.now());
  }

  const view = (one: Known): RolloutView => viewOf(one, store, upkeep.trouble()?.message ?? faultOf(one));
  const verbs = createVerbs({
    ...parts,
    upkeep,
    serve: serveAll,
    look,
    nextLook,
    inTurn,
    view,
    isClosed: () => closed,
  });
  const nothingWrong = kinds();
  const hearNoMore = store.shared?.onChange?.(() => void nextLook());
  serveAll();
  await upkeep.look(all);
  const [wrong] = wrongs();
  if (wrong !== undefined && (upkeep.trouble()?.kind !== 'away' || store.shared === undefined))
    throw new UserError(wrong);
  tell(nothingWrong);
  arm();

  return {
    keepTime() {
      if (due !== Infinity && store.now() >= due) serveAll();
    },
    saw(flag, version, failed) {
      const one = known.get(flag);
      if (one === undefined) return;
      one.traffic.saw(version, failed);
      // The stage may have waited for just this one.
      if (one.state?.extended === true && one.traffic.total() === one.wanted) arm();
    },
    list: () => all.map(view),
    tripped(flag) {
      const one = known.get(flag);
      return one && regressionOf(one);
    },
    watchedFrom(flag) {
      const { state, rollback } = known.get(flag) ?? {};
      // What is still under way from before a rollback says nothing of what is served now.
      return state === undefined || rollback !== undefined || transitions.rollback[state.status] === undefined
        ? undefined
        : Math.max(state.watchedFrom, state.createdAt);
    },
    async trip(regression) {
      const one = known.get(regression.flag);
      if (one === undefined || closed) return;
      const acted = await verbs.trip(one, regression);
      arm();
      if (!acted.ok && acted.why === 'away') throw new Error(acted.detail);
    },
    async clear(flag, why) {
      const one = known.get(flag);
      if (one === undefined) return missing(flag, all);
      const acted = await verbs.clear(one, why);
      arm();
      return acted;
    },
    saved(flag) {
      const one = known.get(flag);
      if (one === undefined) return missing(flag, all);
      const { kept, saved, detail } = view(one).state;
      return { saved: saved && kept !== 'memory', detail };
    },
    async act(flag, verb, why) {
      const one = known.get(flag);
      if (one === undefined) return missing(flag, all);
      const acted = await verbs.act(one, verb, why);
      arm();
      return acted;
    },
    state: () => ({
      healthy: wrongs().length === 0,
      detail: wrongs().join('; ') || all.map((one) => summary(one, store.now())).join(', '),
    }),
    async close() {
      closed = true;
      due = Infinity;
      hearNoMore?.();
      cancel?.();
      await over();
    },
  };
}

const unknown = (flag: string, config: RolloutConfig, { wanted, saltOf }: RolloutParts): Known => ({
  flag,
  config,
  wanted: wanted(flag),
  salt: saltOf(flag),
  traffic: createTraffic(config),
  state: undefined,
  rollback: undefined,
  configured: false,
  reached: undefined,
  missingSince: undefined,
  served: undefined,
  faults: {},
});

const summary = (one: Known, now: number) =>
  `${one.flag} ${one.state?.status ?? 'unknown'} at ${inForce(one, now)} %`;

const missing = (flag: string, all: readonly Known[]) => ({
  ok: false as const,
  why: 'unknown' as const,
  saved: false,
  detail: `there is no rollout of ${flag}; there are: ${all.map((one) => one.flag).join(', ')}`,
});
