import type { Snapshot } from './snapshot.ts';

/** Where the news come from. */
export type LiveParts = {
  snapshot: () => Snapshot;
  /** Calls back each second; how to stop it. */
  everySecond: (listener: () => void) => () => void;
};

/** Somebody who looks on. `write` resolves when they have taken it. */
export type Viewer = {
  write: (data: string) => Promise<unknown>;
  onLeft: (listener: () => void) => void;
};

export type Live = {
  /** Shows a viewer what is, now and each second; resolves when they have left. */
  show(viewer: Viewer): Promise<void>;
  isFull(): boolean;
  /** Sends everybody home. */
  close(): void;
};

/** Each of them costs a kilobyte or more a second. */
const mostViewers = 32;

/** One look a second, however many look on, and none when nobody does. Whoever is slow misses some: each is whole. */
export function createLive({ snapshot, everySecond }: LiveParts): Live {
  const viewers = new Set<{ tell: (text: string) => void; leave: () => void }>();
  let stop: (() => void) | undefined;

  const look = () => {
    const text = JSON.stringify(snapshot());
    for (const viewer of viewers) viewer.tell(text);
  };
  return {
    isFull: () => viewers.size >= mostViewers,
    show: ({ write, onLeft }) =>
      new Promise((resolve) => {
        const first = JSON.stringify(snapshot());
        let busy = false;
        const tell = (text: string) => {
          if (busy) return;
          busy = true;
          void write(text).finally(() => (busy = false));
        };
        const leave = () => {
          viewers.delete(viewer);
          if (viewers.size === 0) {
            stop?.();
            stop = undefined;
          }
          resolve();
        };
        const viewer = { tell, leave };
        viewers.add(viewer);
        stop ??= everySecond(look);
        onLeft(leave);
        tell(first);
      }),
    close() {
      for (const viewer of viewers) viewer.leave();
    },
  };
}
