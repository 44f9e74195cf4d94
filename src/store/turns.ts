/** Does one thing after the other, whether the one before went well or not. */
export function turns(): {
  inTurn: <T>(task: () => Promise<T>) => Promise<T>;
  /** Settles when all that has been asked for is over. */
  over: () => Promise<void>;
} {
  let last: Promise<unknown> = Promise.resolve();
  return {
    inTurn(task) {
      const done = last.then(task, task);
      last = done;
      return done;
    },
    async over() {
      await last.catch(() => {});
    },
  };
}
