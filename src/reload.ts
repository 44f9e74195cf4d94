import { EnvironmentError, printable, problemLine, UnreadableError, UserError } from './config/errors.ts';
import type { LoadedConfig } from './config/load.ts';
import { isSame } from './config/same.ts';
import type { Config } from './config/schema.ts';
import { watch } from './config/watch.ts';
import { turns } from './store/turns.ts';
import type { Log } from './telemetry/log.ts';

/** Where a running proxy's configuration comes from. `known` is the file's fingerprint from before it was read first. */
export type ConfigSource = { file: string; known: string; read: () => Promise<LoadedConfig> };

/** Who asked for a reload. */
export type Asker = 'signal' | 'file' | 'admin';

/** `changed` are the keys of the file that say something else now. */
export type Reloaded = { ok: true; changed: string[] } | { ok: false; detail: string };

export type ReloadParts = {
  /** Without it, there is nothing to read again. */
  source: ConfigSource | undefined;
  current: () => Config;
  /** Puts a configuration in force; rejects with a UserError when it cannot, and then nothing has changed. */
  apply: (loaded: LoadedConfig) => Promise<void>;
  log: Pick<Log, 'info' | 'error'>;
  now: () => number;
};

export type ReloadCounts = {
  applied: number;
  refused: number;
  /** When the configuration that is served was put in force, in milliseconds since 1970. */
  appliedAt: number;
  /** What is wrong with the file, in a sentence without what stands in it; undefined when it is the one that is served. */
  trouble: string | undefined;
};

export type Reloads = {
  reload: (asker: Asker) => Promise<Reloaded>;
  counts: () => ReloadCounts;
  /** Looks out for changes of the file from now on. */
  follow(): void;
  close(): Promise<void>;
};

/** What a running proxy cannot change: ports, and what holds connections or records that would be lost. */
const fixed = ['listen', 'admin', 'flags', 'state', 'workers'] as const satisfies (keyof Config)[];

/** Reads the configuration again when its file changes or somebody asks, one reading at a time. */
export function createReloads({ source, current, apply, log, now }: ReloadParts): Reloads {
  let unread = false;
  const counts: ReloadCounts = { applied: 0, refused: 0, appliedAt: now(), trouble: undefined };
  const { inTurn, over } = turns();
  /** What was said last, so that a file that stays broken is not told of again. */
  let said: string | undefined;

  async function take({ file, read }: ConfigSource, asker: Asker): Promise<Reloaded> {
    const before = current();
    const loaded = await read();
    const { config } = loaded;
    const kept = fixed.filter((key) => !isSame(before[key], config[key]));
    if (kept.length > 0)
      throw new UserError(
        `${file}: ${kept.join(', ')}: cannot change while the proxy runs; restart it, or put ${kept.length > 1 ? 'them' : 'it'} back. Nothing was changed`,
      );
    const keys = Object.keys({ ...before, ...config }) as (keyof Config)[];
    const changed = keys.filter((key) => !isSame(before[key], config[key]));
    if (changed.length > 0) await apply(loaded);
    if (changed.length > 0 || said !== undefined || asker !== 'file')
      log.info({ file, changed, asker }, 'the configuration was read again');
    counts.applied += 1;
    counts.appliedAt = now();
    counts.trouble = said = undefined;
    return { ok: true, changed };
  }

  function refuse(file: string, asker: Asker, error: unknown): Reloaded {
    const known = error instanceof UserError || error instanceof EnvironmentError;
    const detail = known ? error.message : String(error);
    unread = error instanceof UnreadableError;
    if (detail === said && asker === 'file') return { ok: false, detail };
    log.error(
      { file, asker, ...(!known && { err: error }) },
      `the configuration is not taken, and the one before is served: ${detail.replaceAll('\n', '; ')}`,
    );
    said = detail;
    counts.refused += 1;
    counts.trouble = `the configuration before is served: ${troubleOf(error, file)}`;
    return { ok: false, detail };
  }

  const reload = (asker: Asker): Promise<Reloaded> =>
    inTurn(async () => {
      if (source === undefined) return { ok: false, detail: 'this proxy has no file to read again' };
      try {
        return await take(source, asker);
      } catch (error) {
        return refuse(source.file, asker, error);
      }
    });

  let watched: { close(): Promise<void> } | undefined;
  return {
    reload,
    counts: () => counts,
    follow() {
      watched = source && watch(source.file, source.known, async () => (await reload('file')).ok || !unread);
    },
    async close() {
      await watched?.close();
      await over();
    },
  };
}

/** Where it is wrong, without what stands there, which may be a secret. */
function troubleOf(error: unknown, file: string): string {
  const [first] = error instanceof UserError ? error.problems : [];
  if (first === undefined) return `the log says what is wrong with ${printable(file)}`;
  return `the log says what is wrong at ${problemLine({ ...first, message: '' }).replace(/: $/, '')}`;
}
