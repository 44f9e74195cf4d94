import { stat } from 'node:fs/promises';

const interval = 200;

/** What tells two states of a file apart without reading it. A symlink stands for what it leads to. */
export async function fingerprint(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(':');
  } catch (error) {
    return `unreadable: ${String(error)}`;
  }
}

/**
 * Calls `changed` when the file has come to rest in another state than `known`: the same on two looks in a row, so
 * that a file being written is left alone. Looking by name finds what replaces a file by rename or symlink, which
 * fs.watch loses. Never keeps the process alive. `close` waits for a call under way.
 *
 * `changed` tells whether it could read the file. If not, or when it rejects, it is called again at each look: what
 * was in the way, such as a lack of descriptors, may go without a trace on the file.
 */
export function watch(
  file: string,
  known: string,
  changed: () => Promise<boolean>,
): { close(): Promise<void> } {
  let settled: string | undefined = known;
  let last = known;
  let closed = false;
  let looking: Promise<void> = Promise.resolve();

  const look = async (): Promise<void> => {
    const now = await fingerprint(file);
    if (now === last && now !== settled) {
      const read = await changed().catch(() => false);
      settled = read ? now : undefined;
    }
    last = now;
    if (!closed) timer = later();
  };
  const later = () =>
    setTimeout(() => {
      looking = look();
    }, interval).unref();
  let timer = later();

  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await looking;
    },
  };
}
