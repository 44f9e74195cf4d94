import tls, { type SecureContext } from 'node:tls';
import { readPems, readPemsNow, type PemPaths, type Pems } from '../config/pem-files.ts';
import { watch } from '../config/watch.ts';

/** What the proxy is to an upstream, and whom it believes, as the files say it now. */
export type Credentials = {
  /** Made once, and shared by the connections until the files change. */
  context(): SecureContext;
  close(): void;
};

/**
 * Reads the files, and again when one of them changes; `renewed` is called when they say something else. Files that do
 * not fit together, as when one of two is written, leave the ones before in force. Throws a `UserError` when there are none.
 */
export function openCredentials(paths: PemPaths, renewed: () => void): Credentials {
  let pems = readPemsNow(paths);
  let context: SecureContext | undefined;
  let closed = false;
  const files = [paths.ca, paths.cert, paths.key].filter((file) => file !== undefined);
  // Looked at once more as the watching begins, since what was read has no fingerprint.
  const watched = files.map((file) => watch(file, 'not known', look));

  async function look(): Promise<boolean> {
    const { pems: next, faults, read } = await readPems(paths);
    if (faults.length > 0 || closed || same(pems, next)) return read;
    pems = next;
    context = undefined;
    renewed();
    return true;
  }

  return {
    context: () => (context ??= tls.createSecureContext(pems)),
    close() {
      closed = true;
      for (const one of watched) void one.close();
    },
  };
}

const same = (a: Pems, b: Pems): boolean => a.ca === b.ca && a.cert === b.cert && a.key === b.key;
