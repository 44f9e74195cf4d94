import { setTimeout as after } from 'node:timers/promises';
import type { FlagLog } from './provider.ts';

const flushEvery = 5000;

type Flush = (sent: (error: Error | null) => void) => Promise<void>;

/** Sends the SDK's events every five seconds, one batch at a time, and says when they cannot be delivered. */
export function eventPump(flush: Flush, log: FlagLog) {
  let failing = false;
  let sending: Promise<void> | undefined;
  const send = async (): Promise<void> => {
    await flush((error) => {
      if (error && !failing) log.warn({}, `events cannot be delivered to LaunchDarkly: ${error.message}`);
      failing = error instanceof Error;
    });
    sending = undefined;
  };
  const timer = setInterval(() => {
    sending ??= send();
  }, flushEvery);
  return {
    /** Sends what is left, and waits `deadline` milliseconds at the most. */
    async stop(deadline: number): Promise<void> {
      clearInterval(timer);
      const cut = new AbortController();
      const late = after(deadline, undefined, { signal: cut.signal }).catch(noop);
      await Promise.race([Promise.all([sending, send()]), late]);
      cut.abort();
    },
  };
}

function noop(): void {
  // The stop was in time.
}
