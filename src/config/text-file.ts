import { open, type FileHandle } from 'node:fs/promises';
import { maxBytes } from './document.ts';
import type { Problem } from './errors.ts';

/**
 * Reads a file of UTF-8 text, no further than just past the bound of 1 MiB. A file that cannot be read is a problem;
 * `missing` says what to do when there is none. `read` tells whether its bytes could be had: if not, another try may
 * find it readable with no change to the file.
 */
export async function readTextFile(
  file: string,
  missing = 'no such file',
): Promise<{ text: string | undefined; problems: Problem[]; read: boolean }> {
  let handle: FileHandle | undefined;
  let read = false;
  const problem = (message: string) => ({
    text: undefined,
    problems: [{ file, line: 1, column: 1, path: '', message }],
    read,
  });
  try {
    handle = await open(file);
    const bytes = await upTo(handle, maxBytes + 1);
    read = true;
    if (bytes.length > maxBytes) return problem('the file is larger than 1 MiB');
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), problems: [], read };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return problem(missing);
    return problem(reasonOf(error));
  } finally {
    // The bytes are here, or will be asked for again.
    await handle?.close().catch(() => {});
  }
}

async function upTo(handle: FileHandle, limit: number): Promise<Buffer> {
  const bytes = Buffer.alloc(limit);
  let length = 0;
  for (;;) {
    const { bytesRead } = await handle.read(bytes, length, limit - length, null);
    length += bytesRead;
    if (bytesRead === 0 || length === limit) return bytes.subarray(0, length);
  }
}

/** Why a file cannot be read. */
export const reasonOf = (error: unknown): string =>
  reasons[codeOf(error)] ?? `cannot be read (${codeOf(error)})`;

const reasons: Record<string, string> = {
  ENOENT: 'no such file',
  ENOTDIR: 'a part of this path is a file, not a folder',
  EISDIR: 'a folder, not a file',
  EACCES: 'this file may not be read by this user',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'the file is not UTF-8 text',
};

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error);
