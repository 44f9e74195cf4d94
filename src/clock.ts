/** The time, and what is to be done later. Tests pass one of their own. */
export type Clock = {
  /** Milliseconds since 1970. */
  now(): number;
  /** Does something after this many milliseconds, unless the function returned is called before. */
  after(milliseconds: number, task: () => void): () => void;
};

/** Node's timers hold no more. */
const longest = 2 ** 31 - 1;

/** Steady: a step of the system's clock moves no rollout under way. */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after(milliseconds, task) {
    const timer = setTimeout(task, Math.min(milliseconds, longest)).unref();
    return () => clearTimeout(timer);
  },
};
