/** One look at a clock elsewhere: asked and answered by ours, and what it said, all milliseconds. */
export type Sample = { asked: number; answered: number; said: number };

/** By how much two quartz clocks may drift apart, generously. */
const drift = 200e-6;

/**
 * Follows a clock elsewhere, such as Redis' own, by looking at it now and then. Of all looks that one counts which was
 * answered fastest, grown doubtful with age; one that contradicts it, as after a failover to another
 * server, replaces it. Cristian's algorithm (1989).
 */
export function followClock(now: () => number): { now(): number; see(sample: Sample): void } {
  let best: { offset: number; doubt: number; at: number } | undefined;
  return {
    now: () => now() + (best?.offset ?? 0),
    see({ asked, answered, said }) {
      const offset = said - (asked + answered) / 2;
      const doubt = (answered - asked) / 2;
      const aged = best === undefined ? Infinity : best.doubt + (answered - best.at) * drift;
      const contradicts = best !== undefined && Math.abs(offset - best.offset) > doubt + aged;
      if (doubt <= aged || contradicts) best = { offset, doubt, at: answered };
    },
  };
}
