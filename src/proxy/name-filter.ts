/**
 * Tells names that are none of these, in whatever case they come, without making another string of them: by their first
 * letter and their length, which few names share. True of a name says that it may be one.
 */
export function mayBeOneOf(names: Iterable<string>): (name: string) => boolean {
  const table = new Uint8Array(letters * lengths);
  for (const name of names) table[placeOf(name)] = 1;
  return (name) => table[placeOf(name)] === 1;
}

const letters = 32;
const lengths = 32;

/** The five low bits of a letter are the same in either case; whatever else meets there may be one, too. */
const placeOf = (name: string): number =>
  (name.charCodeAt(0) & (letters - 1)) * lengths + Math.min(name.length, lengths - 1);
