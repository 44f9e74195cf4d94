import type { RolloutState } from './state.ts';

/**
 * Where the state of rollouts is kept, for one proxy or for many. Every operation either settles within the store's
 * deadline or rejects with a StoreError.
 */
export type Store = {
  kept: 'file' | 'redis' | 'memory';
  /**
   * Of the flags asked for, by key, the states whose stamp (see `stampOf`) is not the one given; a flag of which
   * nothing is known yet is asked for with ''. What is missing from the store comes as null, what is
   * there and no state of ours as the StoreError that says so.
   */
  read(stamps: ReadonlyMap<string, string>): Promise<Map<string, RolloutState | null | StoreError>>;
  /**
   * Compare and set: keeps the state if the one there has the stamp `expected`, '' for none. Resolves with false,
   * and changes nothing, when it has another.
   */
  write(state: RolloutState, expected: string): Promise<boolean>;
  /** Milliseconds since 1970, by a clock that all who share the store agree on. */
  now(): number;
  /** Present when other proxies read and write the same. */
  shared: Shared | undefined;
  close(): Promise<void>;
};

/** What one proxy saw of a stage so far. */
export type Seen = { state: RolloutState; requests: number };

/** `every`: milliseconds between two looks. `lead`: milliseconds ahead that a raise is to take effect. */
export type Shared = {
  every: number;
  lead: number;
  /** Tells how many requests on treatment this proxy saw in each state's stage; resolves with the sums over all. */
  count(seen: readonly Seen[]): Promise<number[]>;
};

/**
 * A store that cannot be used. `away`: it may come back by itself. `refused`: its owner must mend something first;
 * what is there is left as it is.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly kind: 'away' | 'refused';

  constructor(kind: 'away' | 'refused', message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}
