import { problemLine, problemsError, type Problem } from '../config/errors.ts';
import type { FlagsConfig } from '../config/schema.ts';
import { readFlagFile, type FlagSet } from './flag-file.ts';
import { localEvaluator } from './launchdarkly.ts';
import type { FlagLog, FlagProvider, SourceState } from './provider.ts';
import { fingerprint, watch } from './watch.ts';

type LocalConfig = Extract<FlagsConfig, { source: 'local' }>;

/**
 * Flags from a file, or none at all without one. Rejects with a UserError when the file is missing or broken at
 * the start. Later the file is watched: a good version is taken whole, a broken one keeps the last good flags.
 */
export async function openLocal(config: LocalConfig, log: FlagLog): Promise<FlagProvider> {
  const { file } = config;
  if (file === undefined) return withoutFile(log);

  let current: FlagSet = { flags: {}, segments: {} };
  let wrong: readonly Problem[] = [];
  const evaluator = localEvaluator(log);

  const keep = (problems: readonly Problem[]): void => {
    const fresh = text(problems) !== text(wrong);
    wrong = problems;
    if (fresh)
      log.error({ file }, `the flag file is broken, the last good flags are served: ${text(problems)}`);
  };
  const take = async (): Promise<boolean> => {
    try {
      const { data, problems, read } = await readFlagFile(file);
      if (data === undefined) {
        keep(problems);
        return read;
      }
      const changed = differences(current, data);
      if (changed.length > 0) evaluator.replace(data);
      if (wrong.length > 0) log.info({ file, changed }, 'the flag file is good again');
      else if (changed.length > 0) log.info({ file, changed }, 'the flag file has changed');
      current = data;
      wrong = [];
      return true;
    } catch (error) {
      keep([{ file, line: 1, column: 1, path: '', message: `cannot be taken: ${String(error)}` }]);
      return false;
    }
  };

  const before = await fingerprint(file);
  const { data, problems } = await readFlagFile(file);
  if (data === undefined) {
    evaluator.close();
    throw problemsError(problems);
  }
  current = data;
  evaluator.replace(data);
  const watched = watch(file, before, take);

  return {
    evaluate: evaluator.evaluate,
    flagData: evaluator.flagData,
    state: () => stateOf(file, wrong),
    async close() {
      await watched.close();
      evaluator.close();
    },
  };
}

function withoutFile(log: FlagLog): FlagProvider {
  const evaluator = localEvaluator(log);
  evaluator.replace({ flags: {}, segments: {} });
  return {
    evaluate: evaluator.evaluate,
    flagData: evaluator.flagData,
    state: () => ({ initialized: true, healthy: true, detail: 'no flag file: every flag is unknown' }),
    close: async () => evaluator.close(),
  };
}

function stateOf(file: string, wrong: readonly Problem[]): SourceState {
  if (wrong.length === 0) return { initialized: true, healthy: true, detail: `flags from ${file}` };
  return { initialized: true, healthy: false, detail: `the last good flags are served: ${text(wrong)}` };
}

const text = (problems: readonly Problem[]) => problems.slice(0, 10).map(problemLine).join('; ');

/** Keys of the flags and segments that are new, gone or not as they were. */
function differences(before: FlagSet, after: FlagSet): string[] {
  return [
    ...changedKeys(before.flags, after.flags),
    ...changedKeys(before.segments, after.segments).map((key) => `segment ${key}`),
  ];
}

function changedKeys(before: Record<string, unknown>, after: Record<string, unknown>): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key])).toSorted();
}
