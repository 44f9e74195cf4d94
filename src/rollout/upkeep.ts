import { begin, configure } from './configure.ts';
import type { FlagLog } from '../flags/provider.ts';
import { lacksTraffic, raiseAt, type Known } from './known.ts';
import { nextStep } from './schedule.ts';
import { outranks, stampOf, type RolloutState, type Who } from './state.ts';
import { StoreError, type Store } from './store.ts';
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
  look(all: Iterable<Known>): Promise<void>;
  /** Compares and sets; a state that was written is in force. Rejects with a StoreError. */
  write(known: Known, state: RolloutState): Promise<boolean>;
  circumstances(who: Who, why: string): Circumstances;
  trouble(): StoreError | undefined;
};

export function createUpkeep({ store, log, hex, serve }: UpkeepParts): Upkeep {
  let trouble: StoreError | undefined;
  /** No step is taken before: others that know a later state have time to bring it back. */
  let quietUntil = 0;
  const lead = store.shared?.lead ?? 0;
  const beQuiet = () => (quietUntil = store.now() + 3 * lead);

  const circumstances = (who: Who, why: string): Circumstances => ({
    now: store.now(),
    lead,
    who,
    why,
    nonce: hex(8),
  });

  function adopt(known: Known, state: RolloutState): void {
    const before = known.state;
    if (before?.stageRevision !== state.stageRevision || before.percent !== state.percent)
      known.traffic.begin();
    const message = before === undefined ? 'a rollout is taken up' : 'a rollout has changed';
    known.state = state;
    serve();
    const { verb, who, why } = state.history.at(-1) ?? {};
    const { flag, status, percent } = state;
    log.info({ flag, status, percent, verb, who, why }, message);
  }

  async function write(known: Known, state: RolloutState): Promise<boolean> {
    const expected = known.state === undefined ? '' : stampOf(known.state);
    const written = await store.write(state, expected);
    if (written) adopt(known, state);
    return written;
  }

  async function look(all: Iterable<Known>): Promise<void> {
    try {
      for (const known of all) await count(known);
      const found = await store.read(new Map(Array.from(all, stampsOf)));
      if (trouble !== undefined) beQuiet();
      trouble = undefined;
      for (const known of all) {
        await reconcile(known, found.get(known.flag));
        await goOn(known);
      }
      serve();
    } catch (error) {
      trouble = asTrouble(error);
    }
  }

  /** Adds the requests seen here to those of all proxies, while the stage still waits for some. */
  async function count({ state, wanted, traffic }: Known): Promise<void> {
    const fresh = traffic.uncounted();
    if (store.shared === undefined || state?.status !== 'in_progress') return;
    if (traffic.total() - fresh < wanted) traffic.counted(fresh, await store.shared.count(state, fresh));
  }

  /** Of what is known and what is stored, the later counts. `there`: null for nothing, undefined for the same. */
  async function reconcile(known: Known, there: RolloutState | null | undefined): Promise<void> {
    const here = known.state;
    if (here === undefined) {
      if (there) adopt(known, there);
      else if (store.now() >= quietUntil) await write(known, first(known));
    } else if (there === null || (there !== undefined && outranks(here, there))) {
      // It came back empty, or as it once was. Somebody may know more than we.
      beQuiet();
      await store.write(here, there === null ? '' : stampOf(there));
    } else if (there !== undefined) adopt(known, there);
  }

  const first = ({ flag, config, salt }: Known): RolloutState =>
    begin(flag, config, salt ?? hex(16), circumstances('configuration', 'a new rollout'));

  /** The step that is wanted now: by a person, the configuration or the schedule. */
  async function goOn(known: Known): Promise<void> {
    const now = store.now();
    const { state, rollback } = known;
    if (state === undefined) return;
    if (rollback !== undefined) {
      const next = apply(state, 'rollback', circumstances('person', rollback.why));
      // Somebody else was faster, or the rollout is another by now.
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
    if (next !== undefined && 'contradiction' in next)
      throw new StoreError('refused', `rollouts.${known.flag}.${next.contradiction}`);
    known.configured = next === undefined;
    return next;
  }

  function nextByTime(known: Known, state: RolloutState, now: number): RolloutState | undefined {
    const step = nextStep(state, lacksTraffic(known));
    if (step === undefined || now < step.at) return undefined;
    return apply(state, step.verb, circumstances('schedule', whyOf(known, step.verb)));
  }

  return { look, write, circumstances, trouble: () => trouble };
}

const stampsOf = ({ flag, state }: Known): [string, string] => [
  flag,
  state === undefined ? '' : stampOf(state),
];

const whyOf = ({ traffic, wanted }: Known, verb: Verb): string =>
  verb === 'extend' || verb === 'hold'
    ? `its time is over, with ${traffic.total()} of ${wanted} requests on treatment`
    : 'its time is over';

function asTrouble(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  return new StoreError('away', String(error), error);
}
