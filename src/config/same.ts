/**
 * Whether two parts of configurations say the same. Compared as text: Node 20 takes any two URLs for equal, since what they hold
 * is private.
 */
export const isSame = (a: unknown, b: unknown): boolean => textOf(a) === textOf(b);

const textOf = (value: unknown): string | undefined =>
  JSON.stringify(value, (_key, part: unknown) => {
    if (part instanceof Map || part instanceof Set) return [...part];
    return part === Infinity ? 'Infinity' : part;
  });
