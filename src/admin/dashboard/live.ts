import { useEffect, useState } from 'preact/hooks';
import type { Snapshot } from '../snapshot.ts';
import { standsAt } from './ask.ts';

/**
 * What the proxy told last, and whether that still holds. `silentMs`: since it was told. `opened` counts the connections:
 * with each new one, something may have been missed.
 */
export type Live = {
  snapshot: Snapshot | undefined;
  standing: 'connecting' | 'live' | 'stale' | 'signed out' | 'full';
  silentMs: number;
  opened: number;
};

/** One snapshot each second is told; after this long without any, what is shown is stale. */
const staleAfter = 3000;
/** A connection that says nothing for so long is dead, whatever the browser thinks of it. */
const deadAfter = 6000;
const shortestPause = 500;
const longestPause = 5000;

/** The proxy's standing, second by second. */
export function useLive(): Live {
  const [live, setLive] = useState<Live>({
    snapshot: undefined,
    standing: 'connecting',
    silentMs: 0,
    opened: 0,
  });
  useEffect(() => follow(setLive), []);
  return live;
}

/**
 * Keeps a connection to `api/live`, and tells of each change. A browser gives up on some failures and not on others, so
 * after any of them the connection is made anew here. Returns how to stop.
 */
function follow(tell: (live: Live) => void): () => void {
  let snapshot: Snapshot | undefined;
  let source: EventSource | undefined;
  let opened = 0;
  let heard = performance.now();
  let pause = shortestPause;
  let refused: 'signed out' | 'full' | undefined;
  let waiting: ReturnType<typeof setTimeout> | undefined;

  const silentMs = () => performance.now() - heard;
  function standing(): Live['standing'] {
    if (refused !== undefined) return refused;
    if (silentMs() >= staleAfter) return 'stale';
    return snapshot === undefined ? 'connecting' : 'live';
  }
  const say = () => tell({ snapshot, standing: standing(), silentMs: silentMs(), opened });

  function open(): void {
    const mine = new EventSource('api/live');
    source = mine;
    let first = true;
    mine.addEventListener('snapshot', ({ data }) => {
      snapshot = JSON.parse(String(data)) as Snapshot;
      heard = performance.now();
      pause = shortestPause;
      if (first) opened += 1;
      first = false;
      say();
    });
    mine.addEventListener('error', again);
  }

  /** A connection that fails does not say why, so the proxy is asked first, until it answers. */
  function again(): void {
    source?.close();
    source = undefined;
    clearTimeout(waiting);
    waiting = setTimeout(() => void tryAgain(), pause);
    pause = Math.min(longestPause, pause * 2);
  }

  async function tryAgain(): Promise<void> {
    const status = await standsAt('api/live');
    if (source !== undefined || stopped) return;
    refused = status === 401 ? 'signed out' : status === 503 ? 'full' : undefined;
    if (refused !== undefined) say();
    // Asked again without a sign-in, a browser would ask its user each time.
    if (refused === 'signed out') return;
    if (status === 200) open();
    else again();
  }

  let stopped = false;
  const clock = setInterval(() => {
    if (source !== undefined && silentMs() >= deadAfter) {
      heard = performance.now() - staleAfter;
      again();
    }
    if (standing() === 'stale') say();
  }, 1000);
  open();
  return () => {
    stopped = true;
    clearInterval(clock);
    clearTimeout(waiting);
    source?.close();
  };
}
