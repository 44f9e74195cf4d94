import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import type { LogConfig } from '../config/schema.ts';
import type { Outcome } from './outcome.ts';

type Write = (fields: Record<string, unknown>, message: string) => void;

/** JSON lines. They are gathered, and written within a second. */
export type Log = Record<'debug' | 'info' | 'warn' | 'error' | 'fatal', Write> & {
  access(outcome: Outcome): void;
  /** Hands over what was gathered, now. */
  flush(): void;
  /** Writes what was gathered, as far as anybody reads it within a second. */
  close(): Promise<void>;
};

/** Bytes that may wait for a reader that stalls; lines beyond are dropped. */
const waiting = 16 * 1024 * 1024;

/** Bytes gathered before they are written, and milliseconds after which they are written anyway. */
const gathered = 65_536;
const flushEvery = 500;

/** pino's destination in its `buffer` mode, which its types do not know. */
type Destination = Omit<ReturnType<typeof pino.destination>, 'write'> & { write(bytes: Uint8Array): boolean };

/** `to` is a file descriptor or a path; standard output unless told. */
export function createLog(config: LogConfig, to: number | string = 1): Log {
  const options = { dest: to, sync: false, maxLength: waiting, maxWrite: gathered, contentMode: 'buffer' };
  const destination = pino.destination(options) as unknown as Destination;
  // A closed pipe or a full disk must not stop the traffic.
  destination.on('error', () => {});
  // As bytes: strings made of many pieces, kept until they are written, are what the garbage collector likes least.
  let buffer = Buffer.allocUnsafeSlow(gathered);
  let used = 0;
  const flush = () => {
    if (used === 0) return;
    destination.write(buffer.subarray(0, used));
    buffer = Buffer.allocUnsafeSlow(gathered);
    used = 0;
  };
  const gather = (line: string) => {
    const most = line.length * 3;
    if (used + most > gathered) flush();
    if (most > gathered) destination.write(Buffer.from(line));
    else used += buffer.write(line, used);
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
    flush,
    async close() {
      clearInterval(timer);
      flush();
      const written = new Promise<void>((resolve) => destination.once('close', () => resolve()));
      destination.end();
      const late = new AbortController();
      await Promise.race([written, delay(1000, undefined, { signal: late.signal }).catch(() => {})]);
      late.abort();
      // At the exit, pino would wait for a reader that may never come.
      destination.destroy();
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
