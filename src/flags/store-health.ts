import type { FlagLog } from './provider.ts';

/** Whether the store behind the flags answers, and what is said about it, once for each change. */
export function storeHealth(log: FlagLog, { host }: URL, meanwhile: () => string) {
  let cause: string | undefined;
  return {
    failed({ message }: Error): void {
      if (cause === undefined) log.warn({ cause: message }, `the flag store ${host} is away: ${meanwhile()}`);
      cause = message;
    },
    fine(): void {
      if (cause !== undefined) log.info({}, `the flag store ${host} answers again`);
      cause = undefined;
    },
    /** What is wrong with it, as a sentence; undefined when nothing is. */
    trouble: () => (cause === undefined ? undefined : `the flag store ${host} is away (${cause})`),
  };
}
