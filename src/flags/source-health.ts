import type { FlagLog, SourceState } from './provider.ts';

type Phase = 'waiting' | 'live' | 'lost' | 'garbled' | 'refused';

/**
 * What is known of the connection to LaunchDarkly, and what is said about it, once for each change.
 *
 * The SDK tells of a first success and of a final failure by events, but of a stream lost and found again in its
 * log alone; `hear` reads it there. A line it no longer knew would cost the news of an outage, nothing else.
 */
export function sourceHealth(log: FlagLog, initTimeout: number) {
  let phase: Phase = 'waiting';
  let cause = 'no answer yet';
  let late = false;
  let served = 'defaults';

  const lose = (next: 'lost' | 'garbled', why: string): void => {
    const first = phase === 'live';
    cause = why;
    if (phase === 'refused' || phase === 'waiting') return;
    phase = next;
    if (first) log.warn({ cause }, `${troubles[next]}: the last known flags are served`);
  };

  return {
    /** Data arrived. */
    taken(): void {
      if (phase === 'live') return;
      if (phase === 'lost' || phase === 'garbled') log.info({}, 'flags come from LaunchDarkly again');
      else if (late) log.info({}, 'flags have come from LaunchDarkly: they are served from now on');
      phase = 'live';
      served = 'the last known flags';
    },
    /** Flags of an earlier time were found in the store, while there are none from LaunchDarkly. */
    lastKnown(): void {
      served = 'the last known flags from the store';
      if (late || phase === 'refused') log.info({}, `${served} are served until LaunchDarkly answers`);
    },
    /** Data arrived that is JSON, but not flags. */
    unreadable: (): void => lose('garbled', 'a message without flags'),
    /** `initTimeout` passed without flags. */
    late(): void {
      late = true;
      log.warn(
        { cause },
        `no flags from LaunchDarkly within ${initTimeout} ms: ${served} are served until they come`,
      );
    },
    /** The SDK's `failed` event. True when it is final. */
    failed(error: Error): boolean {
      const status = /authentication failed/i.test(error.message)
        ? 401
        : 'code' in error
          ? error.code
          : undefined;
      if (typeof status !== 'number') {
        lose('garbled', error.message);
        return false;
      }
      phase = 'refused';
      cause =
        status === 401
          ? 'LaunchDarkly refused the SDK key (401): set flags.sdkKey to a server-side SDK key of the environment, and restart'
          : `LaunchDarkly refused the connection for good (${status}): mend flags.sdkKey or the addresses under flags, and restart`;
      log.error({ status }, `${cause}; until then ${served} are served`);
      return true;
    },
    /** Takes the SDK's lines about its stream, which are said here in our words. */
    hear: (message: string): boolean => {
      const lost = /^Received (.*) for streaming request - will retry$/.exec(message)?.[1];
      if (lost !== undefined) lose('lost', lost);
      else if (message.startsWith('Stream received invalid data')) lose('garbled', message);
      else
        return (
          message.startsWith('Variation called before') || // The state says it.
          message.endsWith('giving up permanently') // `failed` says it better.
        );
      return true;
    },
    isLive: () => phase === 'live',
    state(initialized: boolean): SourceState {
      return { initialized, healthy: phase === 'live', detail: details[phase](cause, served) };
    },
  };
}

const troubles = {
  lost: 'the stream from LaunchDarkly is lost',
  garbled: 'LaunchDarkly sent data that cannot be read',
};

const details: Record<Phase, (cause: string, served: string) => string> = {
  waiting: (cause, served) => `no flags from LaunchDarkly yet, ${served} are served (${cause})`,
  live: () => 'flags stream from LaunchDarkly',
  lost: (cause) => `${troubles.lost}, the last known flags are served (${cause})`,
  garbled: (cause) => `${troubles.garbled}, the last known flags are served (${cause})`,
  refused: (cause, served) => `${cause}; until then ${served} are served`,
};
