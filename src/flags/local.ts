import { printable, problemLine, problemsError, UserError, type Problem } from '../config/errors.ts';
import type { FlagsConfig } from '../config/schema.ts';
import { readFlagFile, type FlagSet } from './flag-file.ts';
import { localEvaluator } from './launchdarkly.ts';
import type { FlagLog, FlagProvider, SourceState } from './provider.ts';
import { splitProblems, withSplits, type Split } from './split.ts';
import { fingerprint, watch } from '../config/watch.ts';

type LocalConfig = Extract<FlagsConfig, { source: 'local' }>;

/**
 * Flags from a file, or none at all without one. Rejects with a UserError when the file is missing or broken at
 * the start. Later the file is watched: a good version is taken whole, a broken one keeps the last good flags.
 */
export async function openLocal(config: LocalConfig, log: FlagLog): Promise<FlagProvider> {
  const { file } = config;
  const before = file === undefined ? undefined : await fingerprint(file);
  const { data, problems } = file === undefined ? nothing : await readFlagFile(file);
  if (data === undefined) throw problemsError(problems);

  let current: FlagSet = data;
  let wrong: readonly Problem[] = [];
  /** Whether it is wrong for what the file holds. */
  let held = false;
  const splits = new Map<string, Split>();
  const evaluator = localEvaluator(log);
  const serve = () => evaluator.replace(withSplits(current, splits));
  serve();
  const watched =
    file === undefined || before === undefined ? undefined : watch(file, before, () => take(file));

  const keep = (file: string, problems: readonly Problem[], read: boolean): void => {
    const fresh = text(problems) !== text(wrong);
    wrong = problems;
    held = read;
    if (fresh)
      log.error({ file }, `the flag file is broken, the last good flags are served: ${text(problems)}`);
  };
  async function take(file: string): Promise<boolean> {
    try {
      const { data, problems, read } = await readFlagFile(file);
      const lacking = data === undefined ? problems : splitProblems(file, data, splits);
      if (data === undefined || lacking.length > 0) {
        keep(file, lacking, read);
        return read;
      }
      const changed = differences(current, data);
      current = data;
      if (changed.length > 0) serve();
      if (wrong.length > 0) log.info({ file, changed }, 'the flag file is good again');
      else if (changed.length > 0) log.info({ file, changed }, 'the flag file has changed');
      wrong = [];
      return true;
    } catch (error) {
      keep(
        file,
        [{ file, line: 1, column: 1, path: '', message: `cannot be taken: ${String(error)}` }],
        true,
      );
      return false;
    }
  }

  return {
    evaluate: evaluator.evaluate,
    peek: evaluator.peek,
    flagData: evaluator.flagData,
    state: () => stateOf(file, wrong, held),
    splits: {
      check(flagKey, split) {
        const [problem] = splitProblems(file ?? '', current, new Map([[flagKey, split]]));
        if (problem !== undefined) throw new UserError(problemLine(problem), [problem]);
      },
      set(flagKey, split) {
        if (split === undefined) splits.delete(flagKey);
        else splits.set(flagKey, split);
        serve();
      },
    },
    async close() {
      await watched?.close();
      evaluator.close();
    },
  };
}

const nothing = { data: { flags: {}, segments: {} }, problems: [] };

function stateOf(file: string | undefined, wrong: readonly Problem[], held: boolean): SourceState {
  if (file === undefined) return { initialized: true, healthy: true, detail: 'no flag file' };
  if (wrong.length === 0) return { initialized: true, healthy: true, detail: `flags from ${file}` };
  const why = held ? `the log says what is wrong at ${text(wrong, place)}` : text(wrong);
  return { initialized: true, healthy: false, detail: `the last good flags are served: ${why}` };
}

const text = (problems: readonly Problem[], line = problemLine) => problems.slice(0, 10).map(line).join('; ');

/** Without what stands there, which may be the key of a user. */
const place = ({ file, line, column, path }: Problem) =>
  printable(`${file}:${line}:${column} ${path}`.trimEnd());

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
