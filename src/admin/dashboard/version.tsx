import { versionName } from './words.ts';

/** Shapes, and colours, of versions: control is a hollow disc, treatment a filled square, others follow. */
export const marks = 4;

/** The place of a version's shape and colour. */
export const markOf = (versions: readonly string[], version: string): number =>
  Math.max(0, versions.indexOf(version)) % marks;

/** The shape alone, beside words that say the version. */
export function Mark({ mark }: { mark: number }) {
  return (
    <svg class={`mark mark-${mark}`} viewBox="0 0 12 12" aria-hidden="true">
      {mark === 0 && <circle cx="6" cy="6" r="4.5" />}
      {mark === 1 && <rect x="1.5" y="1.5" width="9" height="9" rx="1.5" />}
      {mark === 2 && <path d="M6 1.200 11 10.500H1Z" />}
      {mark === 3 && <path d="M6 .8 11.200 6 6 11.200.8 6Z" />}
    </svg>
  );
}

/** A version by shape and name. */
export function Version({ version, versions }: { version: string; versions: readonly string[] }) {
  const known = versions.includes(version);
  return (
    <span class="version">
      {known && <Mark mark={markOf(versions, version)} />}
      {versionName(version)}
    </span>
  );
}
