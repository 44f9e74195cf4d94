import type { Clock } from '../clock.ts';
import type { Store } from '../store/store.ts';
import { inWords, type Regression } from '../telemetry/regression.ts';
import { raiseAt, regressionOf, type Known } from './known.ts';
import type { Who } from './state.ts';
import { apply, openVerbs, transitions, type PersonVerb, type Verb } from './transitions.ts';
import type { Upkeep } from './upkeep.ts';
import type { Acted, RolloutView } from './view.ts';

type VerbParts = {
  store: Pick<Store, 'now'>;
  clock: Clock;
  upkeep: Upkeep;
  /** Puts in force what has changed. */
  serve: () => void;
  /** Reads, reconciles and goes on; one that is queued, or one within a turn. */
  nextLook: () => Promise<void>;
  look: () => Promise<void>;
  /** Does one thing after the other. */
  inTurn: <T>(task: () => Promise<T>) => Promise<T>;
  view: (one: Known) => RolloutView;
  isClosed: () => boolean;
};

/** What people and the guard may do to a rollout. */
export type Verbs = {
  act(one: Known, verb: PersonVerb, why: string): Promise<Acted>;
  trip(one: Known, regression: Regression): Promise<Acted>;
  clear(one: Known, why: string): Promise<Acted>;
};

export function createVerbs(parts: VerbParts): Verbs {
  const { store, clock, upkeep, serve, look, nextLook, inTurn, view, isClosed } = parts;

  /** In force at once; the store is told as soon as it can be. */
  async function rollBack(one: Known, who: Who, why: string, regression?: Regression): Promise<Acted> {
    if (one.state !== undefined && !openVerbs(one.state.status).includes('rollback'))
      return refused(one, 'rollback');
    one.rollback = { who, why, at: store.now(), regression };
    serve();
    await nextLook();
    return { ok: true, rollout: view(one) };
  }

  async function change(
    one: Known,
    verb: Verb,
    ...[who, why, regression]: Parameters<typeof upkeep.circumstances>
  ): Promise<Acted> {
    const { state } = one;
    if (state === undefined || blocked(one) !== undefined || one.rollback !== undefined || upkeep.isQuiet())
      return away(one);
    const next = apply(state, verb, upkeep.circumstances(who, why, regression));
    if (next === undefined) return refused(one, verb);
    const failed = await upkeep.write(one, next).then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (one.state?.nonce !== next.nonce) await look();
    // The answer may have been lost on its way.
    if (one.state?.nonce === next.nonce) return { ok: true, rollout: view(one) };
    if (failed !== undefined) return away(one, failed);
    const detail = 'others changed the rollout at this moment; look at it, and try again';
    return blocked(one) === undefined ? { ok: false, why: 'refused', detail } : away(one);
  }

  /** What keeps the state of a rollout from being changed. */
  const blocked = ({ faults }: Known) => upkeep.trouble()?.message ?? faults.store;

  const away = (one: Known, failed?: string): Acted => {
    const otherwise = isClosed()
      ? 'the proxy stops'
      : 'it was not read yet, or came back just now; try again';
    const detail = failed ?? blocked(one) ?? otherwise;
    return { ok: false, why: 'away', detail: `the state of rollouts cannot be changed now: ${detail}` };
  };

  return {
    async act(one, verb, why) {
      if (isClosed()) return away(one);
      const raise = raiseAt(one, store.now());
      // A raise under way is made first: nobody is to see it half made. It is never further ahead than the lead.
      if (raise !== undefined && verb !== 'rollback' && verb !== 'pause')
        await new Promise<void>((resolve) => void clock.after(raise - store.now(), resolve));
      return verb === 'rollback'
        ? rollBack(one, 'person', why)
        : inTurn(() => change(one, verb, 'person', why));
    },
    trip(one, regression) {
      const why = inWords(regression);
      return regression.action === 'rollback'
        ? rollBack(one, 'guard', why, regression)
        : inTurn(() => change(one, guardVerb(one, regression), 'guard', why, regression));
    },
    async clear(one, why) {
      if (isClosed() || one.rollback !== undefined) return away(one);
      const nothing = `the guard of ${one.flag} has found nothing; there is nothing to clear`;
      if (regressionOf(one) === undefined) return { ok: false, why: 'refused', detail: nothing };
      return inTurn(() => change(one, 'clear', 'person', why));
    },
  };
}

/** Where there is no stage to hold, the percentage stays anyway. */
const guardVerb = ({ state }: Known, { action }: Regression): Verb =>
  action === 'pause' && state !== undefined && transitions.regress[state.status] !== undefined
    ? 'regress'
    : 'note';

function refused({ flag, state }: Known, verb: Verb): Acted {
  const status = state?.status ?? 'not_started';
  const open = openVerbs(status).join(', ');
  return {
    ok: false,
    why: 'refused',
    detail: `${flag} is ${status}, which refuses ${verb}; open now: ${open}`,
  };
}
