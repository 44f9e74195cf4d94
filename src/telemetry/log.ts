import { isatty } from 'node:tty';
import { pino } from 'pino';
import type { PrettyOptions } from 'pino-pretty';
import type { LogConfig } from '../config/schema.ts';
import { shortestSecret, type Secret } from '../config/secrets.ts';
import { blameOf, mostBytes, writeAccessLine, type AccessLine, type Blame } from './access-line.ts';
import { createLineWriter } from './line-writer.ts';
import type { Outcome } from './outcome.ts';
import { messageText, requestText } from './pretty-line.ts';
import { createRedaction } from './redact.ts';
import { keptEscaped, withoutUnseen } from './visible.ts';

type Write = (fields: Record<string, unknown>, message: string) => void;

/** Lines for a machine or a person. They are gathered, and written within a second. */
export type Log = Record<'debug' | 'info' | 'warn' | 'error' | 'fatal', Write> & {
  access(outcome: Outcome): void;
  /** How many lines could not be written so far. */
  dropped: () => number;
  /** Goes on as another configuration says. What was a secret stays one. */
  follow(config: LogConfig, options: Pick<LogOptions, 'secrets' | 'colours'>): Promise<void>;
  /** Takes whole lines as they are, this many. */
  relay(lines: Buffer, count: number): void;
  /** How lines are written. */
  shape(): { format: 'json' | 'pretty'; colours: boolean };
  /** Hands over what was gathered, now. */
  flush(): void;
  /** Writes what was gathered, as far as anybody reads it within a second. */
  close(): Promise<void>;
};

export type LogOptions = {
  /** A file descriptor or a path; standard output unless told. */
  to?: number | string;
  /** What no line may show. */
  secrets?: readonly Secret[];
  /** Whether a terminal may be written to in colours. */
  colours?: boolean;
};

/** Bytes gathered before they are written, and milliseconds after which they are written anyway. */
const gathered = 65_536;
const flushEvery = { json: 500, pretty: 50 };

const closeDeadline = 1000;

const blames: readonly Blame[] = ['info', 'warn', 'error'];

export async function createLog(config: LogConfig, options: LogOptions = {}): Promise<Log> {
  const { to = 1 } = options;
  const onTerminal = typeof to === 'number' && isatty(to);
  const writer = createLineWriter(to, (lost) => {
    logger.warn({ lost }, 'lines of this log were lost, since they could not be written');
    flush();
  });
  // As bytes: strings made of many pieces, kept until they are written, are what the garbage collector likes least.
  let buffer = Buffer.allocUnsafeSlow(gathered);
  let used = 0;
  let lines = 0;
  const flush = () => {
    if (used === 0) return;
    writer.write(buffer.subarray(0, used), lines);
    buffer = Buffer.allocUnsafeSlow(gathered);
    used = lines = 0;
  };
  /** Room for a line of up to `most` bytes; undefined when it needs a buffer of its own. */
  const roomFor = (most: number) => {
    if (used + most > gathered) flush();
    return most > gathered ? undefined : buffer;
  };
  const gather = (line: string) => {
    const room = roomFor(line.length * 3);
    if (room === undefined) return writer.write(Buffer.from(line), 1);
    used += room.write(line, used);
    lines += 1;
  };
  const gatherRequest = (outcome: Outcome, level: Blame) => {
    const most = mostBytes(outcome);
    const room = shape.request === undefined ? roomFor(most) : undefined;
    if (room !== undefined) {
      used = writeAccessLine(room, used, outcome, level, time());
      lines += 1;
      return;
    }
    const own = Buffer.allocUnsafe(most);
    const line = own.subarray(0, writeAccessLine(own, 0, outcome, level, time()));
    if (shape.request === undefined) writer.write(line, 1);
    else gather(`${shape.request(line.toString())}\n`);
  };
  // A buffer that is not full waits with what it has while others wait: it takes the same room as a full one.
  const flushing = (format: keyof typeof flushEvery) =>
    setInterval(() => writer.idle() && flush(), flushEvery[format]).unref();

  const known = new Set<string>();
  let shape = jsonShape;
  let timer = flushing('json');
  let redact = createRedaction([]);
  /** Which requests have a line. */
  let written: ReadonlySet<Blame> = new Set();
  let told: ReturnType<Log['shape']> = { format: 'json', colours: false };
  const time = isoTime();
  const logger = pino(
    {
      base: null,
      timestamp: () => `,"time":"${time()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => gather(shape.message(withoutUnseen(redact(line)))) },
  );

  async function follow(config: LogConfig, { secrets = [], colours = false }: LogOptions): Promise<void> {
    const format = config.format !== 'auto' ? config.format : onTerminal ? 'pretty' : 'json';
    shape = format === 'pretty' ? await prettyShape(onTerminal && colours) : jsonShape;
    told = { format, colours: onTerminal && colours };
    clearInterval(timer);
    timer = flushing(format);
    const short = secrets.filter(({ text }) => text.length < shortestSecret).map(({ key }) => key);
    for (const { text } of secrets) if (text.length >= shortestSecret) known.add(text);
    redact = createRedaction([...known]);
    logger.level = config.level;
    written = new Set(blames.filter((level) => config.access && logger.isLevelEnabled(level)));
    if (short.length > 0)
      logger.warn(
        { keys: short },
        `a secret of less than ${shortestSecret} characters is not kept out of the log`,
      );
  }
  await follow(config, options);

  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    fatal: (fields, message) => logger.fatal(fields, message),
    access(outcome) {
      const level = blameOf(outcome);
      if (written.has(level)) gatherRequest(outcome, level);
    },
    dropped: () => writer.lost(),
    follow,
    relay(bytes, count) {
      if (count === 0) return;
      flush();
      writer.write(bytes, count);
    },
    shape: () => told,
    flush,
    async close() {
      clearInterval(timer);
      flush();
      await writer.close(closeDeadline);
    },
  };
}

/** From a line of JSON to what is written; `request` is absent where the line of a request is written as it is. */
type Shape = { message: (line: string) => string; request?: (line: string) => string };

const jsonShape: Shape = { message: (line) => line };

async function prettyShape(colorize: boolean): Promise<Shape> {
  const { prettyFactory } = await import('pino-pretty');
  const shared: PrettyOptions = {
    colorize,
    translateTime: 'SYS:HH:MM:ss.l',
    customPrettifiers: {
      level: (level, _key, _log, { labelColorized }) =>
        ' '.repeat(5 - (level as string).length) + labelColorized,
    },
  };
  const message = prettyFactory({
    ...shared,
    singleLine: true,
    messageFormat: (log, key) => messageText(log[key]),
  });
  const request = prettyFactory({
    ...shared,
    hideObject: true,
    singleLine: true,
    messageFormat: (log) => requestText(log as unknown as AccessLine),
  });
  return { message: (line) => message(keptEscaped(line)), request: (line) => request(keptEscaped(line)) };
}

/** Now in ISO 8601, written once a millisecond. */
function isoTime(): () => string {
  let at = 0;
  let text = '';
  return () => {
    const now = Date.now();
    if (now !== at) {
      at = now;
      text = new Date(now).toISOString();
    }
    return text;
  };
}
