/** Values by name; the environment, or what stands in for it. */
export type Variables = Readonly<Record<string, string | undefined>>;

export type Substitution = { text: string; names: string[]; faults: string[] };

const reference = /\$?\$\{([^}]*)(\}?)/g;
const form = /^([A-Za-z_]\w*)(?::-(.*))?$/s;

/**
 * Replaces `${NAME}` and `${NAME:-default}`; `$${` stands for a literal `${`. As in a shell, the default also takes
 * the place of an empty variable. `names` are the variables asked for, `faults` what could not be replaced. The result
 * is text and is not looked at again. Undefined when the text holds no reference.
 */
export function substitute(text: string, variables: Variables): Substitution | undefined {
  if (!text.includes('${')) return undefined;
  const names: string[] = [];
  const faults: string[] = [];
  const replaced = text.replaceAll(reference, (whole: string, inside: string, close: string) => {
    if (whole.startsWith('$$')) return whole.slice(1);
    const [, name, fallback] = (close === '' ? undefined : form.exec(inside)) ?? [];
    if (name === undefined) {
      faults.push('`${` must be `${NAME}` or `${NAME:-default}`; for a literal write `$${`');
      return '';
    }
    names.push(name);
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
    if (value === undefined)
      faults.push(
        `the environment variable ${name} is not set; set it, or give a default: \${${name}:-default}`,
      );
    return value ?? '';
  });
  return { text: replaced, names, faults };
}
