import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { Clock } from './clock.ts';
import { changedIn, stampIn } from './memory-store.ts';
import { rolloutState, type RolloutState } from './state.ts';
import { StoreError, type Store } from './store.ts';

const document = z.strictObject({
  trenchcoat: z.literal('rollouts'),
  format: z.literal(1),
  rollouts: z.record(z.string(), rolloutState),
});

/** Bytes; some hundred rollouts with full histories. */
const largest = 16 * 1024 * 1024;

type States = ReadonlyMap<string, RolloutState>;

/**
 * Keeps the states of one proxy in a JSON file. A write goes to a temporary file, is synchronised to the disk and renamed,
 * so that a process killed at any instant leaves the old file or the new. A file that cannot be read as ours is
 * refused and never written over. Rejects with a StoreError when it is so already, or its folder cannot be looked at.
 */
export async function openFileStore(named: string, clock: Clock): Promise<Store> {
  await readStates(named);
  // A rename would put a file in the place of a link.
  const file = await realpath(named).catch(() => named);
  await removeLeftovers(file);
  let last: Promise<unknown> = Promise.resolve();
  /** One after the other. */
  const inTurn = <T>(task: () => Promise<T>): Promise<T> => {
    const done = last.then(task, task);
    last = done;
    return done;
  };
  return {
    kept: 'file',
    read: (stamps) => inTurn(async () => changedIn(await readStates(file), stamps)),
    write: (state, expected) =>
      inTurn(async () => {
        // Read anew: what somebody else put there in the meantime is not lost.
        const states = await readStates(file);
        if (stampIn(states, state.flag) !== expected) return false;
        await replace(file, new Map([...states, [state.flag, state]]));
        return true;
      }),
    now: () => clock.now(),
    shared: undefined,
    close: async () => {
      await last.catch(() => {});
    },
  };
}

/** The states in a file; none when there is no such file. */
export async function readStates(file: string): Promise<States> {
  const refuse = (why: string): never => {
    throw new StoreError(
      'refused',
      `${file} ${why}. It is left as it is: put it right, or stop the proxy and move it away to begin anew`,
    );
  };
  const found = await stat(file).catch((error: unknown) => notThere(error, file));
  if (found === undefined) return new Map();
  // To open a pipe would wait for a writer.
  if (!found.isFile()) return refuse('is not a file, and cannot hold the state of rollouts');
  if (found.size > largest) return refuse('is too large to be the state of rollouts');
  const text = await readFile(file, 'utf8').catch((error: unknown) => notThere(error, file));
  if (text === undefined) return new Map();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse('is not the state of rollouts: it is no JSON, or only a part of it');
  }
  const parsed = document.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const at = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`;
    return refuse(`is not the state of rollouts as this version writes it${at}`);
  }
  return new Map(Object.entries(parsed.data.rollouts));
}

function notThere(error: unknown, file: string): undefined {
  const code = codeOf(error);
  if (code === 'ENOENT') return undefined;
  const mend = code === 'EACCES' || code === 'EPERM' ? '; give this user the right to' : '';
  throw new StoreError('refused', `${file} cannot be read (${code})${mend}`, error);
}

async function replace(file: string, states: States): Promise<void> {
  const text = `${JSON.stringify({ trenchcoat: 'rollouts', format: 1, rollouts: Object.fromEntries(states) }, null, 2)}\n`;
  const fresh = join(dirname(file), `${temporary(file)}${randomBytes(4).toString('hex')}`);
  try {
    const handle = await open(fresh, 'wx');
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(fresh, file);
  } catch (error) {
    await rm(fresh, { force: true }).catch(() => {});
    throw new StoreError('away', `${file} cannot be written (${codeOf(error)})`, error);
  }
  await syncFolder(dirname(file));
}

/** So that the rename itself survives a loss of power. Not every system can. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder).catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

const temporary = (file: string) => `.${basename(file)}.tmp-`;

/** What a process left behind that was killed in the midst of a write. */
async function removeLeftovers(file: string): Promise<void> {
  const folder = dirname(file);
  const names = await readdir(folder).catch((error: unknown) => {
    throw new StoreError('refused', `the folder of ${file} cannot be read (${codeOf(error)})`, error);
  });
  for (const name of names)
    if (name.startsWith(temporary(file))) await rm(join(folder, name), { force: true });
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error);
