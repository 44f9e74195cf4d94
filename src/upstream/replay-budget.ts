/** Seconds that are looked back on. */
const span = 10;
/** Replays a second that are always allowed, and the share of requests beyond. */
const always = 10;
const share = 0.2;

/**
 * Bounds how many requests are sent twice: an upstream that drops every connection must not get twice the load.
 * At most a fifth of the requests of the last ten seconds, and always ten a second. `now` is in milliseconds.
 */
export function createReplayBudget(): { count(now: number): void; take(now: number): boolean } {
  const requests = new Uint32Array(span);
  const replays = new Uint32Array(span);
  let second = 0;

  /** Forgets the seconds that fell out of the span; gives the index of this one. */
  const advance = (now: number): number => {
    const current = Math.floor(now / 1000);
    for (let gone = Math.max(second, current - span) + 1; gone <= current; gone += 1)
      requests[gone % span] = replays[gone % span] = 0;
    second = Math.max(second, current);
    return second % span;
  };
  return {
    count(now) {
      const at = advance(now);
      requests[at] = (requests[at] ?? 0) + 1;
    },
    take(now) {
      const at = advance(now);
      const ofThisSecond = replays[at] ?? 0;
      const allowed = ofThisSecond < always || sum(replays) < share * sum(requests);
      if (allowed) replays[at] = ofThisSecond + 1;
      return allowed;
    },
  };
}

const sum = (counts: Uint32Array): number => counts.reduce((total, count) => total + count, 0);
