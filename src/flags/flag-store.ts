/** An item of flag data as the SDK keeps it. A deleted item stays as a tombstone, so that its version counts. */
export type Stored = { version: number; deleted?: boolean; [attribute: string]: unknown };
export type Item = Stored & { key: string };
type Kind = { namespace: string };
export type Namespace = 'features' | 'segments';

/** Everything a store holds, or is to hold, by key. */
export type FlagItems = Record<Namespace, Record<string, Stored>>;

/**
 * What a store says of the data that the SDK gives it: that it took some, or that it could not read it and kept the
 * old. `changed` comes after a change of one item, or without one of everything.
 */
export type StoreNews = {
  taken(): void;
  unreadable(): void;
  changed?(namespace?: Namespace, item?: Item): void;
};

/**
 * The SDK's feature store, in memory, with a way to read a flag as its source sent it: the SDK has none.
 * Callbacks run before a call returns, so an evaluation stays within microtasks.
 */
export function flagStore(news: StoreNews) {
  let kinds = new Map<string, Map<string, Stored>>();
  let filled = false;

  const read = (namespace: string, key: string): Stored | undefined => {
    const item = kinds.get(namespace)?.get(key);
    return item === undefined || item.deleted === true ? undefined : item;
  };

  const upsert = ({ namespace }: Kind, item: Item, done: () => void): void => {
    const items = kinds.get(namespace) ?? new Map<string, Stored>();
    kinds.set(namespace, items);
    const old = items.get(item.key);
    const newer = old === undefined || old.version < item.version;
    if (newer) items.set(item.key, item);
    news.taken();
    if (newer) news.changed?.(namespace as Namespace, item);
    done();
  };

  const replace = (data: Record<string, Record<string, Stored> | null | undefined>): void => {
    kinds = new Map(
      Object.entries(data).map(([namespace, items]) => [namespace, new Map(Object.entries(items ?? {}))]),
    );
    filled = true;
  };
  const contents = (namespace: Namespace) => Object.fromEntries(kinds.get(namespace) ?? []);

  return {
    read,
    /** Whether it has ever been given everything. */
    filled: () => filled,
    /** Everything in it, tombstones too. */
    contents: (): FlagItems => ({ features: contents('features'), segments: contents('segments') }),
    /** Takes this in place of everything, from another than the SDK: there is no news of it. */
    load: (items: FlagItems): void => replace(items),
    get: ({ namespace }: Kind, key: string, done: (item: Stored | null) => void): void =>
      done(read(namespace, key) ?? null),
    all({ namespace }: Kind, done: (items: Record<string, Stored>) => void): void {
      const items = [...(kinds.get(namespace) ?? [])].filter(([, item]) => item.deleted !== true);
      done(Object.fromEntries(items));
    },
    init(data: Record<string, Record<string, Stored> | null | undefined>, done: () => void): void {
      // The SDK passes on whatever JSON it was sent. Flags that are missing are a mistake, not "no flags".
      if (typeof data['features'] !== 'object' || data['features'] === null) {
        news.unreadable();
        return;
      }
      replace(data);
      news.taken();
      news.changed?.();
      done();
    },
    upsert,
    delete: (kind: Kind, key: string, version: number, done: () => void): void =>
      upsert(kind, { key, version, deleted: true }, done),
    initialized: (done: (filled: boolean) => void): void => done(filled),
    close(): void {
      // Memory alone: nothing to let go of.
    },
  };
}

export type FlagStore = ReturnType<typeof flagStore>;
