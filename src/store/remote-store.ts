import type { Clock } from '../clock.ts';
import { StoreError, type Kind, type Seen, type Stamped, type Store } from './store.ts';

/** What a process without a store of its own asks of the one that keeps it. */
export type StoreQuestion =
  | { ask: 'read'; kind: Kind['name']; stamps: ReadonlyMap<string, string> }
  | { ask: 'write'; kind: Kind['name']; record: Stamped; expected: string }
  | { ask: 'count'; args: Parameters<NonNullable<Store['shared']>['count']> }
  | { ask: 'add'; args: Parameters<NonNullable<Store['shared']>['add']> };

/** An answer, or why there is none. Errors do not survive the way between processes as what they are. */
export type StoreAnswer = { value: unknown } | { error: { kind: StoreError['kind']; message: string } };

/** What is asked of a store for another process. */
export async function answerFor(
  store: Store,
  kinds: readonly Kind[],
  question: StoreQuestion,
): Promise<StoreAnswer> {
  try {
    return { value: await answer(store, kinds, question) };
  } catch (error) {
    return { error: plain(error) };
  }
}

async function answer(store: Store, kinds: readonly Kind[], question: StoreQuestion): Promise<unknown> {
  if (question.ask === 'count') return store.shared?.count(...question.args);
  if (question.ask === 'add') return store.shared?.add(...question.args);
  const kind = kinds.find(({ name }) => name === question.kind);
  if (kind === undefined) throw new StoreError('refused', `there are no records of ${question.kind}`);
  if (question.ask === 'write') return store.write(kind, question.record, question.expected);
  const found = await store.read(kind, question.stamps);
  return new Map(
    Array.from(found, ([flag, one]) => [flag, one instanceof StoreError ? { error: plain(one) } : one]),
  );
}

const plain = (error: unknown) => ({
  kind: error instanceof StoreError ? error.kind : ('away' as const),
  message: error instanceof Error ? error.message : String(error),
});

/** The store that another process of this machine keeps. `shared` as that process has it. */
export function remoteStore(
  kept: Store['kept'],
  clock: Clock,
  shared: Pick<NonNullable<Store['shared']>, 'every' | 'lead' | 'mayReturn' | 'onChange'>,
  ask: (question: StoreQuestion) => Promise<StoreAnswer>,
): Store {
  async function asked<T>(question: StoreQuestion): Promise<T> {
    const answer = await ask(question);
    if ('error' in answer) throw revived(answer.error);
    return answer.value as T;
  }
  return {
    kept,
    async read<S extends Stamped>({ name: kind }: Kind<S>, stamps: ReadonlyMap<string, string>) {
      type Found = S | null | { error: { kind: StoreError['kind']; message: string } };
      const found = await asked<Map<string, Found>>({ ask: 'read', kind, stamps });
      return new Map(
        Array.from(found, ([flag, one]): [string, S | null | StoreError] => [
          flag,
          one !== null && 'error' in one ? revived(one.error) : one,
        ]),
      );
    },
    write: ({ name: kind }, record, expected) => asked({ ask: 'write', kind, record, expected }),
    // One machine has one clock.
    now: () => clock.now(),
    shared: {
      ...shared,
      count: (seen) => asked({ ask: 'count', args: [seen.map(plainly)] }),
      add: (...args) => asked({ ask: 'add', args }),
    },
    close: async () => {},
  };
}

/** What is sent is copied, with all that hangs on it. */
const plainly = ({ flag, stage, requests }: Seen): Seen => ({ flag, stage, requests });

const revived = ({ kind, message }: { kind: StoreError['kind']; message: string }) =>
  new StoreError(kind, message);
