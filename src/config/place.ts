/** A position in a file; both count from 1, columns in UTF-16 units. */
export type Position = { line: number; column: number };

/** Where one value of a file stands, as offsets into its text, and what became of it. */
export type Place = {
  /** Where its key stands; undefined for the root and for items of a list. */
  key: number | undefined;
  value: number;
  children: Map<string, Place>;
  /** The environment variables that made up this scalar; undefined when the file has it in full. */
  variables: readonly string[] | undefined;
  /** A problem was already reported for this scalar, so that its value says nothing. */
  faulty: boolean;
};

/** Answers about paths such as `['routes', 0, 'default']`. */
export type Places = {
  /** Where the key or the value stands; the nearest existing ancestor when the path is absent. */
  at(path: readonly PropertyKey[], part?: 'key' | 'value'): Position;
  variables(path: readonly PropertyKey[]): readonly string[] | undefined;
  faulty(path: readonly PropertyKey[]): boolean;
};

export function placesOf(root: Place, locate: (offset: number) => Position): Places {
  const find = (path: readonly PropertyKey[]): { place: Place; found: boolean } => {
    let place = root;
    for (const part of path) {
      const next = place.children.get(String(part));
      if (next === undefined) return { place, found: false };
      place = next;
    }
    return { place, found: true };
  };
  return {
    at(path, part = 'value') {
      const { place, found } = find(path);
      return locate(found && part === 'value' ? place.value : (place.key ?? place.value));
    },
    variables(path) {
      const { place, found } = find(path);
      return found ? place.variables : undefined;
    },
    faulty(path) {
      const { place, found } = find(path);
      return found && place.faulty;
    },
  };
}
