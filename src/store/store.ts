import type { z } from 'zod';

/** A record of what must outlive the process; one of a kind for each flag. */
export type Stamped = {
  flag: string;
  /** Grows by one with each change. */
  revision: number;
  /** Of this very change: two proxies that make the same revision apart are told apart. */
  nonce: string;
};

/** What sort of records are kept: their name, and how to read them back. */
export type Kind<S extends Stamped = Stamped> = { name: 'rollout' | 'trip'; schema: z.ZodType<S> };

/** What tells this record from any other of its kind and flag. */
export const stampOf = ({ revision, nonce }: Pick<Stamped, 'revision' | 'nonce'>): string =>
  `${revision}.${nonce}`;

/**
 * Where records are kept, for one proxy or for many. Every operation either settles within the store's
 * deadline or rejects with a StoreError.
 */
export type Store = {
  kept: 'file' | 'redis' | 'memory';
  /**
   * Of the flags asked for, by key, the records whose stamp (see `stampOf`) is not the one given; a flag of which
   * nothing is known yet is asked for with ''. What is missing from the store comes as null, what is
   * there and no record of ours as the StoreError that says so.
   */
  read<S extends Stamped>(
    kind: Kind<S>,
    stamps: ReadonlyMap<string, string>,
  ): Promise<Map<string, S | null | StoreError>>;
  /**
   * Compare and set: keeps the record if the one there has the stamp `expected`, '' for none. Resolves with false,
   * and changes nothing, when it has another.
   */
  write<S extends Stamped>(kind: Kind<S>, record: S, expected: string): Promise<boolean>;
  /** Milliseconds since 1970, by a clock that all who share the store agree on. */
  now(): number;
  /** Present when other proxies read and write the same. */
  shared: Shared | undefined;
  close(): Promise<void>;
};

/** Where records are kept, in words. */
export const keptText = (kept: Store['kept']): string =>
  kept === 'memory' ? 'kept in memory, until the stop' : `kept in ${kept}`;

/** What one proxy saw of a rollout's stage so far; the stage is the revision that entered it. */
export type Seen = { flag: string; stage: number; requests: number };

/** `every`: milliseconds between two looks. `lead`: milliseconds ahead that a raise is to take effect. */
export type Shared = {
  every: number;
  lead: number;
  /** Milliseconds in which another, who knows it, may bring back a record that is missing. */
  mayReturn: number;
  /** Calls back when another has written something, where that can be known before the next look; how to stop it. */
  onChange?: (listener: () => void) => () => void;
  /** Tells how many requests on treatment this proxy saw in each stage; resolves with the sums over all. */
  count(seen: readonly Seen[]): Promise<number[]>;
  /**
   * Adds numbers to those that the other proxies have for the same series and tick, and resolves with the sums of the ticks `from`
   * to `to`, both included; a tick that nobody told of is missing. A series is forgotten when nobody has added to it for
   * `keptFor` milliseconds.
   */
  add(
    part: { series: string; tick: number; numbers: readonly number[]; keptFor: number },
    from: number,
    to: number,
  ): Promise<Map<number, number[]>>;
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
