/** What a terminal may act on, or show in another order than it was written: controls, formats, foreign line ends. */
const unseen = /(?!\n)[\p{C}\p{Zl}\p{Zp}]/u;
const everyUnseen = new RegExp(unseen, 'gu');

export const hasUnseen = (text: string): boolean => unseen.test(text);

/** A JSON line with such characters as JSON's own escapes; it means the same. JSON itself escapes those below space alone. */
export const withoutUnseen = (line: string): string =>
  hasUnseen(line) ? line.replace(everyUnseen, (found) => found.split('').map(escape).join('')) : line;

const escape = (unit: string): string => String.raw`\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * A JSON line whose escaped characters stay escaped once it is read, so that its texts can be shown. Line ends and tabs are
 * left, for stacks.
 */
export const keptEscaped = (line: string): string =>
  line.replaceAll(/\\(u[\da-f]{4}|.)/g, (found, what: string) =>
    /^(u|[bfr]$)/.test(what) ? String.raw`\\${what}` : found,
  );
