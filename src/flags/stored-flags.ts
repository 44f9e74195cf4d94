import { RedisFeatureStore } from '@launchdarkly/node-server-sdk-redis';
import type { FlagItems, Item, Namespace, Stored } from './flag-store.ts';
import { openRedis, type Connection } from '../redis.ts';

/** Milliseconds: for one operation, a connection included, and between two looks or attempts. */
export type Pace = { deadline: number; pause: number };

const prefix = 'launchdarkly';

type Factory = ReturnType<typeof RedisFeatureStore>;
type Store = ReturnType<Factory>;

/**
 * Flags in Redis, under the keys and in the format of LaunchDarkly's SDKs and Relay Proxy. Every promise settles
 * within `deadline`, and rejects with an Error for people, which holds no password. One operation at a time. `lost` is
 * called when a connection ends by itself.
 */
export function storedFlags(url: URL, { deadline }: Pace, lost: () => void) {
  const { run, close } = openRedis(url, { deadline }, lineOn, lost);

  return {
    /** Everything that is stored; undefined when nobody has stored flags yet. */
    read: (): Promise<FlagItems | undefined> =>
      run(async ({ client, store }) =>
        (await client.exists(`${prefix}:$inited`)) === 0 ? undefined : everything(store),
      ),
    /** Puts this in place of everything that is stored; with `cautious` only where nothing newer is. */
    write: (items: FlagItems, cautious: boolean): Promise<void> =>
      run(async ({ client, store }) => {
        // What is watched and has changed makes the writing void; an update before may have left a watch behind.
        await client.unwatch();
        if (cautious) {
          await client.watch(`${prefix}:features`, `${prefix}:segments`);
          if (isNewer(await everything(store), items)) return;
        }
        const copies = {
          features: mapValues(items.features, copy),
          segments: mapValues(items.segments, copy),
        };
        await new Promise<void>((resolve) => {
          store.init(copies, resolve);
        });
        const stored = await everything(store);
        if (isNewer(items, stored) && !isNewer(stored, items)) throw unwritten();
      }),
    /** Stores one item, unless a newer one is there. */
    upsert: (namespace: Namespace, item: Item): Promise<void> =>
      run(async ({ client, store }) => {
        await new Promise<void>((resolve) => {
          store.upsert({ namespace }, copy(item), resolve);
        });
        const text = await client.hget(`${prefix}:${namespace}`, item.key);
        if (versionOf(text) < item.version) throw unwritten();
      }),
    close,
  };
}

/** A connection, and LaunchDarkly's store on it. */
const lineOn = (connection: Connection) => ({
  client: connection.client,
  store: libraryStore(connection),
});

/** Whether any item of `these` is missing from `those`, or older there. */
const isNewer = (these: FlagItems, those: FlagItems): boolean =>
  (['features', 'segments'] as const).some((namespace) =>
    Object.entries(these[namespace]).some(
      ([key, item]) => item.deleted !== true && item.version > (those[namespace][key]?.version ?? -1),
    ),
  );

// The library says nothing of a failed write, so what was written is looked for.
const unwritten = () => new Error('what was written is not there');

/**
 * LaunchDarkly's store on this client. It tells of most failures in its log alone. What it does with an answer may
 * throw, where ioredis would take that for the end of the process; and it leaves a promise behind.
 */
function libraryStore({ client, fail }: Connection): Store {
  const given = <Value>(
    value: Promise<Value>,
    taker?: (error: Error | null, value?: Value) => void,
  ): void => {
    value
      .then(
        (found) => taker?.(null, found),
        (error: Error) => {
          fail(error);
          taker?.(error);
        },
      )
      .catch(fail);
  };
  type Taker = (error: Error | null, value?: unknown) => void;
  const guarded = {
    on: noop,
    multi: () => client.multi(),
    watch: (key: string) => given(client.watch(key)),
    hget: (key: string, field: string, taker: Taker) => given(client.hget(key, field), taker),
    hgetall: (key: string, taker: Taker) => given(client.hgetall(key), taker),
  };
  const logger = {
    debug: noop,
    info: noop,
    warn: noop,
    error: (message: unknown) => fail(new Error(String(message))),
  };
  return RedisFeatureStore({ client: guarded as unknown as typeof client, prefix, cacheTTL: 0 })({
    basicConfiguration: { logger },
  } as Parameters<Factory>[0]);
}

async function everything(store: Store): Promise<FlagItems> {
  const all = (namespace: Namespace) =>
    new Promise<Record<string, Stored>>((resolve) => {
      store.all({ namespace }, (items) => {
        const sound = Object.entries(items as Record<string, unknown>).filter(([, item]) => isStored(item));
        resolve(Object.fromEntries(sound) as Record<string, Stored>);
      });
    });
  return { features: await all('features'), segments: await all('segments') };
}

const isStored = (item: unknown): item is Stored =>
  typeof item === 'object' && item !== null && 'version' in item && typeof item.version === 'number';

function versionOf(text: string | null): number {
  const item: unknown = JSON.parse(text ?? 'null');
  return isStored(item) ? item.version : -1;
}

/** The library takes apart what it writes: the sets in which the SDK keeps long lists of a segment. */
function copy<Any extends Stored>(item: Any): Any {
  const { includedContexts, excludedContexts } = item;
  return {
    ...item,
    ...(includedContexts !== undefined && { includedContexts: targets(includedContexts) }),
    ...(excludedContexts !== undefined && { excludedContexts: targets(excludedContexts) }),
  };
}

const targets = (list: unknown) =>
  Array.isArray(list) ? list.map((target: unknown) => ({ ...(target as object) })) : list;

const mapValues = <From, To>(record: Record<string, From>, to: (value: From) => To): Record<string, To> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, to(value)]));

function noop(): void {
  // Nothing to do.
}
