import type { FlagLog } from './provider.ts';
import type { FlagStore, Item, Namespace } from './flag-store.ts';
import { paced } from './paced.ts';
import { storedFlags, type Pace } from './stored-flags.ts';
import { storeHealth } from './store-health.ts';

type Parts = {
  memory: FlagStore;
  /** Whether what memory holds is LaunchDarkly's latest. */
  isLive: () => boolean;
  /** Told when memory was filled from the store. */
  onLastKnown: () => void;
};

/**
 * Keeps a copy of the flags in Redis, and fills the memory from it when nothing has come from LaunchDarkly yet.
 * All of it goes on in the background: while Redis is away, flags are served from memory, and whatever was missed
 * is written once it is back.
 */
export function writeThrough(url: URL, { memory, isLive, onLastKnown }: Parts, pace: Pace, log: FlagLog) {
  const health = storeHealth(log, url, () => 'flags are served from memory, and stored when it is back');
  const changes = new Map<string, [Namespace, Item]>();
  let whole = false;
  let closed = false;

  const store = storedFlags(url, pace, () => {
    // It may come back empty.
    whole = memory.filled();
    loop.nudge();
  });
  /** Gives true when there is more to do later. */
  const step = async (): Promise<boolean> => {
    try {
      if (memory.filled()) await save();
      else await restore();
      health.fine();
      return !memory.filled();
    } catch (error) {
      if (closed) return false;
      whole = memory.filled();
      health.failed(error as Error);
      return true;
    }
  };
  const restore = async (): Promise<void> => {
    const stored = await store.read();
    if (stored === undefined || memory.filled()) return;
    memory.load(stored);
    onLastKnown();
  };
  const save = async (): Promise<void> => {
    if (whole) {
      whole = false;
      changes.clear();
      // Without news from LaunchDarkly, somebody else may know more.
      await store.write(memory.contents(), !isLive());
    }
    for (const [name, [namespace, item]] of changes) {
      changes.delete(name);
      await store.upsert(namespace, item);
    }
  };
  const loop = paced(step, pace.pause);

  return {
    trouble: health.trouble,
    /** Memory has changed: one item, or everything. */
    changed(namespace?: Namespace, item?: Item): void {
      if (namespace === undefined || item === undefined) whole = true;
      else changes.set(`${namespace}/${item.key}`, [namespace, item]);
      loop.nudge();
    },
    close(): void {
      closed = true;
      loop.stop();
      store.close();
    },
  };
}
