import { begin, configure } from './configure.ts';
import type { FlagLog } from '../flags/provider.ts';
import type { Regression } from '../telemetry/regression.ts';
import { lacksTraffic, raiseAt, type Known } from './known.ts';
import { nextStep } from './schedule.ts';
import { outranks, rolloutKind, type RolloutState, type Who } from './state.ts';
import { stampOf, StoreError, type Store } from '../store/store.ts';
import { apply, type Circumstances, type Verb } from './transitions.ts';

export type UpkeepParts = {
  store: Store;
  log: Pick<FlagLog, 'info' | 'error'>;
  /** Random hexadecimal digits, this many. */
  hex: (digits: number) => string;
  /** Puts in force what has changed. */
  serve: () => void;
};

/**
 * Keeps what is known and what is stored the same, and takes the steps whose time has come.
 */
export type Upkeep = {
  /** Reads, reconciles and goes on. Never rejects: what is in the way is `trouble` until a look has gone well. */
  look(all: readonly Known[]): Promise<void>;
  /** Compares and sets; a state that was written is in force. Rejects with a StoreError. */
  write(known: Known, state: RolloutState): Promise<boolean>;
  circumstances(who: Who, why: string, regression?: Regression): Circumstances;
  trouble(): StoreError | undefined;
  /** Whether others may still bring back a later state. */
  isQuiet(): boolean;
};

export function createUpkeep({ store, log, hex, serve }: UpkeepParts): Upkeep {
  let trouble: StoreError | undefined;
  /** No step is taken before: others that know a later state have time to bring it back. */
  let quietUntil = 0;
  const lead = store.shared?.lead ?? 0;
  const beQuiet = () => (quietUntil = store.now() + 3 * lead);

  const circumstances = (who: Who, why: string, regression?: Regression): Circumstances => ({
    now: store.now(),
    lead,
    who,
    why,
    nonce: hex(8),
    ...(regression !== undefined && { regression }),
  });

  function adopt(known: Known, state: RolloutState): void {
    const before = known.state;
    if (before?.stageRevision !== state.stageRevision || before.percent !== state.percent)
      known.traffic.begin(state);
    const message = before === undefined ? 'a rollout is taken up' : 'a rollout has changed';
    known.state = state;
    // No raise is decided further ahead than the lead, and clocks are followed to well within it: this one was put back.
    if (state.effectiveAt > store.now() + 2 * lead) known.reached = state.effectiveAt;
    serve();
    const { verb, who, why } = state.history.at(-1) ?? {};
    const { flag, status, percent } = state;
    log.info({ flag, status, percent, verb, who, why }, message);
  }

  async function write(known: Known, state: RolloutState): Promise<boolean> {
    const expected = known.state === undefined ? '' : stampOf(known.state);
    const written = await store.write(rolloutKind, state, expected);
    if (written) adopt(known, state);
    return written;
  }

  async function look(all: readonly Known[]): Promise<void> {
    try {
      const found = await store.read(rolloutKind, new Map(all.map(stampsOf)));
      if (trouble !== undefined) beQuiet();
      for (const known of all) {
        const there = found.get(known.flag);
        if (there instanceof StoreError) known.faults.store = there.message;
        else {
          delete known.faults.store;
          await reconcile(known, there);
        }
      }
      await count(all);
      for (const known of all) if (known.faults.store === undefined) await goOn(known);
      trouble = undefined;
      serve();
    } catch (error) {
      trouble = error instanceof StoreError ? error : new StoreError('away', String(error), error);
    }
  }

  /** Tells what was seen here, and learns what all proxies saw, of the stages that still wait for requests. */
  async function count(all: readonly Known[]): Promise<void> {
    const seen = all.flatMap((known) =>
      known.state?.status === 'in_progress' && lacksTraffic(known)
        ? [
            {
              known,
              flag: known.flag,
              stage: known.state.stageRevision,
              requests: known.traffic.treatment().requests,
            },
          ]
        : [],
    );
    if (store.shared === undefined || seen.length === 0) return;
    // Nothing else waits for a number.
    const sums = await store.shared.count(seen).catch(() => []);
    for (const [index, { known }] of seen.entries()) {
      const sum = sums[index];
      if (sum !== undefined) known.traffic.learned(sum);
    }
  }

  /** Of what is known and what is stored, the later counts. `there`: null for nothing, undefined for the same. */
  async function reconcile(known: Known, there: RolloutState | null | undefined): Promise<void> {
    const here = known.state;
    if (here === undefined) {
      if (there) adopt(known, there);
      else if (mayBegin(known)) await write(known, first(known));
    } else if (there === null || (there !== undefined && outranks(here, there))) {
      // It came back empty, or as it once was. Somebody may know more than we.
      beQuiet();
      await store.write(rolloutKind, here, there === null ? '' : stampOf(there));
    } else if (there !== undefined) adopt(known, there);
  }

  /** Others that know the rollout, and found the store empty, have time to bring it back. */
  function mayBegin(known: Known): boolean {
    const now = store.now();
    known.missingSince ??= now;
    return now >= quietUntil && now >= known.missingSince + (store.shared?.mayReturn ?? 0);
  }

  const first = ({ flag, config, salt }: Known): RolloutState =>
    begin(flag, config, salt ?? hex(16), circumstances('configuration', 'a new rollout'));

  /** The step that is wanted now: by a person, the configuration or the schedule. */
  async function goOn(known: Known): Promise<void> {
    const now = store.now();
    const { state, rollback } = known;
    if (state === undefined) return;
    if (rollback !== undefined) {
      const done = state.history.some(({ verb, at }) => verb === 'rollback' && at >= Math.floor(rollback.at));
      const { who, why, regression } = rollback;
      const next = done ? undefined : apply(state, 'rollback', circumstances(who, why, regression));
      // Somebody else was faster, or it was done and the answer lost; what came after is not to be undone.
      if (next === undefined || (await write(known, next))) known.rollback = undefined;
      return;
    }
    if (now < quietUntil || raiseAt(known, now) !== undefined) return;
    const next = known.configured ? nextByTime(known, state, now) : nextByConfiguration(known, state);
    if (next !== undefined) await write(known, next);
  }

  function nextByConfiguration(known: Known, state: RolloutState): RolloutState | undefined {
    const why = 'the configuration has changed';
    const next = configure(state, known.config, state.salt, circumstances('configuration', why));
    if (next !== undefined && 'contradiction' in next) {
      known.faults.configuration = `rollouts.${known.flag}.${next.contradiction}`;
      return undefined;
    }
    delete known.faults.configuration;
    known.configured = next === undefined;
    return next;
  }

  function nextByTime(known: Known, state: RolloutState, now: number): RolloutState | undefined {
    const step = nextStep(state, lacksTraffic(known));
    if (step === undefined || now < step.at) return undefined;
    return apply(state, step.verb, circumstances('schedule', whyOf(known, step.verb)));
  }

  return {
    look,
    write,
    circumstances,
    trouble: () => trouble,
    isQuiet: () => store.now() < quietUntil,
  };
}

const stampsOf = ({ flag, state }: Known): [string, string] => [
  flag,
  state === undefined ? '' : stampOf(state),
];

const whyOf = ({ traffic, wanted }: Known, verb: Verb): string =>
  verb === 'extend' || verb === 'hold'
    ? `its time is over, with ${traffic.total()} of ${wanted} requests on treatment`
    : 'its time is over';
