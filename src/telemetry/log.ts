import { pino, type DestinationStream } from 'pino';
import type { LogConfig } from '../config/schema.ts';
import type { Outcome } from './outcome.ts';

type Write = (fields: Record<string, unknown>, message: string) => void;

/** JSON lines. They are gathered, and written within a second. */
export type Log = Record<'debug' | 'info' | 'warn' | 'error' | 'fatal', Write> & {
  access(outcome: Outcome): void;
  /** Writes what was gathered, and stops the timer. */
  close(): void;
};

const flushEvery = 500;

/** `to` is a file descriptor or a path; standard output unless told. */
export function createLog(config: LogConfig, to: number | string = 1): Log {
  const destination = pino.destination({ dest: to, sync: false, minLength: 8192 });
  // A closed pipe or a full disk must not stop the traffic.
  destination.on('error', () => {});
  const timer = setInterval(() => destination.flush(), flushEvery).unref();
  const logger = pino(
    {
      level: config.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination as DestinationStream,
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
        destination.flushSync();
      } catch {
        // Nobody reads any more.
      }
    },
  };
}
