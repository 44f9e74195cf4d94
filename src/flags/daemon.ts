import type { FlagLog, SourceState } from './provider.ts';
import type { FlagStore } from './flag-store.ts';
import { paced } from './paced.ts';
import { storedFlags, type Pace } from './stored-flags.ts';
import { storeHealth } from './store-health.ts';

/**
 * Fills the memory from a store that another SDK or the Relay Proxy keeps fresh, again and again. What is in
 * memory stays in force while the store is away or empty. `arrival` settles when flags are there, or after
 * `initTimeout` milliseconds.
 */
export function followStore(url: URL, memory: FlagStore, initTimeout: number, pace: Pace, log: FlagLog) {
  const health = storeHealth(log, url, () => `${served(memory)} are served`);
  let empty = false;
  let closed = false;
  let arrived: () => void = noop;

  const store = storedFlags(url, pace, () => loop.nudge());
  const step = async (): Promise<boolean> => {
    try {
      const stored = await store.read();
      health.fine();
      if (stored !== undefined) memory.load(stored);
      if (stored === undefined && !empty) log.warn({}, `${emptiness(url)}: ${served(memory)} are served`);
      empty = stored === undefined;
      if (!empty) arrived();
    } catch (error) {
      if (!closed) health.failed(error as Error);
    }
    return true;
  };
  const arrival = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, initTimeout);
    arrived = () => {
      clearTimeout(timer);
      resolve();
    };
  });
  const loop = paced(step, pace.pause);

  return {
    arrival,
    state(): SourceState {
      const wrong = health.trouble() ?? (empty || !memory.filled() ? emptiness(url) : undefined);
      return {
        initialized: memory.filled(),
        healthy: wrong === undefined,
        detail:
          wrong === undefined
            ? `flags are read from the store ${url.host}`
            : `${wrong}; ${served(memory)} are served`,
      };
    },
    close(): void {
      closed = true;
      loop.stop();
      store.close();
    },
  };
}

const emptiness = ({ host }: URL) => `the flag store ${host} holds no flags yet`;

const served = (memory: FlagStore) => (memory.filled() ? 'the last known flags' : 'defaults');

function noop(): void {
  // Nothing to do.
}
