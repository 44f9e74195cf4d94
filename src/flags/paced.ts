/**
 * Runs `step` over and over, never twice at a time: once at the start, once after each `nudge`, and `pause`
 * milliseconds after it gave true. `step` must not reject.
 */
export function paced(step: () => Promise<boolean>, pause: number) {
  let timer: NodeJS.Timeout | undefined;
  let running = false;
  let nudged = false;
  let stopped = false;

  const run = async (): Promise<void> => {
    nudged = false;
    const more = await step();
    if (stopped) return;
    if (nudged && !more) return run();
    running = false;
    if (more) timer = setTimeout(nudge, pause);
  };
  const nudge = (): void => {
    nudged = true;
    if (running || stopped) return;
    running = true;
    clearTimeout(timer);
    void run();
  };

  nudge();
  return {
    nudge,
    stop(): void {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
