import { closestMatch } from 'leven';

/** One mistake in a file. Lines and columns count from 1; `path` reads `routes[0].default`, empty for the whole file. */
export type Problem = { file: string; line: number; column: number; path: string; message: string };

/** The user's mistake: shown without a stack, exit 1. */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly problems: readonly Problem[];

  constructor(message: string, problems: readonly Problem[] = []) {
    super(message);
    this.problems = problems;
  }
}

/** A file whose bytes could not be had: another try may find it readable with no change to it. */
export class UnreadableError extends UserError {}

/** A fault of the environment, such as a port taken: one line, exit 2. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
}

const shown = 100;

/** A `UserError` that lists the problems, one a line, in the order of the file. */
export function problemsError(problems: readonly Problem[]): UserError {
  const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const lines = sorted.slice(0, shown).map(problemLine);
  if (sorted.length > shown) lines.push(`and ${sorted.length - shown} more`);
  return new UserError(lines.join('\n'), sorted);
}

/** `trenchcoat.yaml:12:5 routes[0].default: 2 is not one of the versions; allowed: 0, 1` */
export function problemLine({ file, line, column, path, message }: Problem): string {
  return printable(`${file}:${line}:${column} ${path === '' ? '' : `${path}: `}${message}`);
}

/** `routes[0].versions["a b"]` */
export function pathText(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[\w-]+$/.test(String(part))) text += text === '' ? String(part) : `.${String(part)}`;
    else text += `[${quoted(String(part))}]`;
  }
  return text;
}

const most = 20;

/** `a, b, c and 7 more` */
export function listed(words: readonly string[]): string {
  const some = words.slice(0, most).join(', ');
  return words.length > most ? `${some} and ${words.length - most} more` : some;
}

/** The search looks at every known word, for every mistake. */
const searched = 100;

/** The one of `known` that a person who wrote `text` probably meant; not looked for among very many. */
export function nearest(text: string, known: readonly string[]): string | undefined {
  if (known.length > searched) return undefined;
  const lower = text.toLowerCase();
  const sameLetters = known.find((word) => word.toLowerCase() === lower);
  if (sameLetters !== undefined) return sameLetters;
  if (text.length > 64) return undefined;
  return closestMatch(text, known, { maxDistance: text.length < 4 ? 1 : text.length < 8 ? 2 : 3 });
}

/** ` (did you mean "listen"?)`, or nothing when no known word is near. */
export function suggestion(text: string, known: readonly string[]): string {
  const word = nearest(text, known);
  return word === undefined || word === text ? '' : `; did you mean \`${word}\`?`;
}

/** A string in quotes, cut to a readable length. */
export function quoted(text: string): string {
  const cut = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return JSON.stringify(cut);
}

// What could move the cursor, colour the terminal or turn the direction of writing.
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The text with every invisible character spelled out, so that a file cannot steer the terminal it is reported on. */
export function printable(text: string): string {
  return text.replaceAll(unprintable, (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`);
}

/** JSON in which every invisible character is escaped, but for the line breaks of an `indent`. */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replaceAll(unprintable, (character) =>
    character === '\n' ? character : escapedUnits(character),
  );
}

const escapedUnits = (text: string): string =>
  text
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
