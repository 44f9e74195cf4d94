import { isDeepStrictEqual } from 'node:util';
import { faultText, readPems, type PemPaths, type Pems } from './pem-files.ts';
import { watch } from './watch.ts';

export type PemNews = {
  /** Each set, since the files of one say something else than before. What it throws is a reason not to take them. */
  renewed: (pems: readonly Pems[]) => void;
  /** The files have changed and cannot be taken, in a sentence that names them. Said once. */
  refused: (message: string) => void;
};

/**
 * Looks out for changes of files that are taken all together or not at all, so that a certificate is not taken before its
 * key. `known` is what stood in them last. Never keeps the process alive.
 */
export function watchPems(
  sets: readonly PemPaths[],
  known: readonly Pems[],
  { renewed, refused }: PemNews,
): { close(): Promise<void> } {
  let said: string | undefined;
  let looking: Promise<boolean> = Promise.resolve(true);
  const files = new Set(sets.flatMap(({ cert, key, ca }) => [cert, key, ca]));
  // They are looked at once more as the watching begins: what is known has no fingerprint.
  const watched = [...files].flatMap((file) =>
    file === undefined ? [] : [watch(file, 'not known', () => (looking = looking.then(look, look)))],
  );

  async function look(): Promise<boolean> {
    const found = await Promise.all(sets.map(readPems));
    const faults = sets.flatMap((set, i) => (found[i]?.faults ?? []).map((fault) => faultText(set, fault)));
    let reason = faults.length === 0 ? undefined : [...new Set(faults)].join('; ');
    const pems = found.map((one) => one.pems);
    if (reason === undefined && !isDeepStrictEqual(pems, known))
      try {
        renewed(pems);
        known = pems;
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error);
      }
    if (reason !== undefined && reason !== said) refused(reason);
    said = reason;
    return found.every(({ read }) => read);
  }

  return {
    async close() {
      await Promise.all(watched.map((one) => one.close()));
    },
  };
}
