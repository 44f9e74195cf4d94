import { listed, printable, quoted, suggestion, UserError } from '../config/errors.ts';

/**
 * The one that is meant: that of this name, or the only one. `what` and `by` are what they are called and named by, `none`
 * says what to do where there are none. Throws a `UserError`.
 */
export function theOne<T>(
  all: readonly T[],
  name: string | undefined,
  { nameOf, what, by, none }: { nameOf: (one: T) => string; what: string; by: string; none: string },
): T {
  const known = all.map(nameOf);
  const names = printable(listed(known));
  const [only] = all;
  if (only === undefined) throw new UserError(none);
  if (name === undefined) {
    if (all.length > 1) throw new UserError(`there are several ${what}s; name one of ${names}`);
    return only;
  }
  const found = all.find((one) => nameOf(one) === name);
  if (found === undefined)
    throw new UserError(
      `there is no ${what} of the ${by} ${printable(quoted(name))}; there are: ${names}${printable(suggestion(name, known))}`,
    );
  return found;
}
