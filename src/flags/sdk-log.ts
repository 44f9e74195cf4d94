import { format } from 'node:util';
import type { FlagLog } from './provider.ts';

const repeatAfter = 60_000;
const longest = 1000;
const remembered = 200;

type Level = 'debug' | 'info' | 'warn' | 'error';
type SdkLogger = Record<Level, (...words: unknown[]) => void>;

/**
 * The logger handed to the SDK, which logs on every evaluation of an unknown flag or a bad context.
 *
 * Arguments are joined, `secret` is blotted out, and one message is written once a minute at the most, with
 * `repeated` as the number of times it was held back since. `hear` sees every message and takes those for which
 * it returns true. What the SDK calls info is detail to whoever runs a proxy, and is logged as debug.
 */
export function sdkLogger(
  log: FlagLog,
  hear: (message: string) => boolean = () => false,
  secret?: string,
  now: () => number = () => performance.now(),
): SdkLogger {
  const seen = new Map<string, { at: number; held: number }>();

  const say = (level: Exclude<Level, 'info'>, words: unknown[]): void => {
    try {
      const text = format(...words);
      const message = (secret ? text.replaceAll(secret, '***') : text).slice(0, longest);
      if (hear(message)) return;
      const before = seen.get(message);
      if (before !== undefined && now() - before.at < repeatAfter) {
        before.held += 1;
        return;
      }
      seen.delete(message);
      seen.set(message, { at: now(), held: 0 });
      if (seen.size > remembered) for (const oldest of seen.keys()) if (seen.delete(oldest)) break;
      log[level](before?.held ? { repeated: before.held } : {}, message);
    } catch {
      // A word that cannot be written must not fail the evaluation that said it.
    }
  };

  return {
    debug: (...words) => say('debug', words),
    info: (...words) => say('debug', words),
    warn: (...words) => say('warn', words),
    error: (...words) => say('error', words),
  };
}
