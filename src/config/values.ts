/** Plain values, as a file or JSON has them, looked into without trust in their shape. */

export function isMap(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value under a key or an index; undefined when there is none. */
export function childOf(value: unknown, part: PropertyKey): unknown {
  if (Array.isArray(value)) return typeof part === 'number' ? value[part] : undefined;
  return isMap(value) && Object.hasOwn(value, part) ? value[part] : undefined;
}

/** The value at a path; undefined when there is none. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let inner = value;
  for (const part of path) inner = childOf(inner, part);
  return inner;
}

/** The entries of a map; none for anything else. */
export function entriesOf(value: unknown): [string, unknown][] {
  return isMap(value) ? Object.entries(value) : [];
}
