import { pino } from 'pino';
import type { LogConfig } from '../config/schema.ts';
import type { Outcome } from './outcome.ts';

type Write = (fields: Record<string, unknown>, message: string) => void;

/** JSON lines. They are gathered, and written within a second. */
export type Log = Record<'debug' | 'info' | 'warn' | 'error' | 'fatal', Write> & {
  access(outcome: Outcome): void;
  /** Writes what was gathered, and stops the timer. */
  close(): void;
};

/** Characters gathered before they are written, and milliseconds after which they are written anyway. */
const gathered = 16_384;
const flushEvery = 500;

/** `to` is a file descriptor or a path; standard output unless told. */
export function createLog(config: LogConfig, to: number | string = 1): Log {
  const destination = pino.destination({ dest: to, sync: false });
  // A closed pipe or a full disk must not stop the traffic.
  destination.on('error', () => {});
  // The destination would measure all it has gathered again with every line.
  let text = '';
  const flush = () => {
    if (text !== '') destination.write(text);
    text = '';
  };
  const gather = (line: string) => {
    text += line;
    if (text.length >= gathered) flush();
  };
  const timer = setInterval(flush, flushEvery).unref();
  const logger = pino(
    {
      level: config.level,
      base: null,
      timestamp: isoTime(),
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: gather },
  );
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    fatal: (fields, message) => logger.fatal(fields, message),
    access: config.access ? (outcome) => logger.info(outcome) : () => {},
    close() {
      clearInterval(timer);
      try {
        flush();
        destination.flushSync();
      } catch {
        // Nobody reads any more.
      }
    },
  };
}

/** The `time` field in ISO 8601, written once a millisecond. */
function isoTime(): () => string {
  let at = 0;
  let field = '';
  return () => {
    const now = Date.now();
    if (now !== at) {
      at = now;
      field = `,"time":"${new Date(now).toISOString()}"`;
    }
    return field;
  };
}
