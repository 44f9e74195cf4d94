import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { changedIn, stampIn } from './memory-store.ts';
import { StoreError, type Kind, type Stamped, type Store } from './store.ts';
import { turns } from './turns.ts';

/** A section for each kind of records, by flag. */
const document = z.strictObject({
  trenchcoat: z.literal('rollouts'),
  format: z.literal(1),
  rollouts: z.record(z.string(), z.unknown()).optional(),
  trips: z.record(z.string(), z.unknown()).optional(),
});
type Document = z.output<typeof document>;

const sectionOf = ({ name }: Pick<Kind, 'name'>) => `${name}s` as const;

/** Bytes; some hundred rollouts with full histories. */
const largest = 16 * 1024 * 1024;

/**
 * Keeps the records of one proxy in a JSON file. A write goes to a temporary file, is synchronised to the disk and renamed,
 * so that a process killed at any instant leaves the old file or the new. A file that cannot be read as ours is
 * refused and never written over. Rejects with a StoreError when it is so already for records of these kinds, or its folder cannot be looked at.
 */
export async function openFileStore(named: string, clock: Clock, kinds: readonly Kind[]): Promise<Store> {
  const before = await readDocument(named);
  for (const kind of kinds) recordsIn(before, kind, named);
  // A rename would put a file in the place of a link.
  const file = await realpath(named).catch(() => named);
  await removeLeftovers(file);
  const { inTurn, over } = turns();
  return {
    kept: 'file',
    read: <S extends Stamped>(kind: Kind<S>, stamps: ReadonlyMap<string, string>) =>
      inTurn(async () => changedIn(await readRecords(file, kind), stamps)),
    write: (kind, record, expected) =>
      inTurn(async () => {
        // Read anew: what somebody else put there in the meantime is not lost.
        const found = await readDocument(file);
        const records = recordsIn(found, kind, file);
        if (stampIn(records, record.flag) !== expected) return false;
        const changed = new Map<string, Stamped>([...records, [record.flag, record]]);
        await replace(file, { ...found, [sectionOf(kind)]: Object.fromEntries(changed) });
        return true;
      }),
    now: () => clock.now(),
    shared: undefined,
    close: over,
  };
}

/** The records of a kind in a file; none when there is no such file. */
export async function readRecords<S extends Stamped>(
  file: string,
  kind: Kind<S>,
): Promise<ReadonlyMap<string, S>> {
  return recordsIn(await readDocument(file), kind, file);
}

function recordsIn<S extends Stamped>(found: Document, kind: Kind<S>, file: string): ReadonlyMap<string, S> {
  const section = sectionOf(kind);
  const parsed = z.record(z.string(), kind.schema).safeParse(found[section] ?? {});
  if (!parsed.success) return refuse(file, notOurs(parsed.error, [section]));
  return new Map(Object.entries(parsed.data));
}

function refuse(file: string, why: string): never {
  throw new StoreError(
    'refused',
    `${file} ${why}. It is left as it is: put it right, or stop the proxy and move it away to begin anew`,
  );
}

function notOurs({ issues: [issue] }: z.ZodError, at: PropertyKey[]): string {
  const path = [...at, ...(issue?.path ?? [])];
  const where = path.length === 0 ? '' : ` at ${path.map(String).join('.')}`;
  return `is not the state of rollouts as this version writes it${where}`;
}

async function readDocument(file: string): Promise<Document> {
  const found = await stat(file).catch((error: unknown) => notThere(error, file));
  if (found === undefined) return nothing;
  // To open a pipe would wait for a writer.
  if (!found.isFile()) return refuse(file, 'is not a file, and cannot hold the state of rollouts');
  if (found.size > largest) return refuse(file, 'is too large to be the state of rollouts');
  const text = await readFile(file, 'utf8').catch((error: unknown) => notThere(error, file));
  if (text === undefined) return nothing;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse(file, 'is not the state of rollouts: it is no JSON, or only a part of it');
  }
  const parsed = document.safeParse(value);
  return parsed.success ? parsed.data : refuse(file, notOurs(parsed.error, []));
}

const nothing: Document = { trenchcoat: 'rollouts', format: 1 };

function notThere(error: unknown, file: string): undefined {
  const code = codeOf(error);
  if (code === 'ENOENT') return undefined;
  const mend = code === 'EACCES' || code === 'EPERM' ? '; give this user the right to' : '';
  throw new StoreError('refused', `${file} cannot be read (${code})${mend}`, error);
}

async function replace(file: string, whole: Document): Promise<void> {
  const text = `${JSON.stringify(whole, null, 2)}\n`;
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
