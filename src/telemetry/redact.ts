/** What stands in the place of a secret. */
const redacted = '[redacted]';

/**
 * Takes secrets out of JSON lines, wherever in a value or a key they stand: as they are, as a URL has them, and within JSON
 * in a text. A line that had none is the same line.
 */
export function createRedaction(secrets: readonly string[]): (line: string) => string {
  if (secrets.length === 0) return (line) => line;
  const forms = secrets.flatMap((secret) => [secret, encoded(secret), quoted(secret)]);
  const inText = anyOf(forms);
  // Two levels of quoting in one line: a text that holds JSON is itself quoted.
  const inLine = anyOf(forms.map(quoted));
  const clean = (text: string) => text.replace(inText, redacted);
  return (line) =>
    line.search(inLine) === -1 ? line : `${JSON.stringify(cleaned(JSON.parse(line), clean))}\n`;
}

/** Values are changed one by one, since a secret such as `123456` or `message` may also be a part of what frames them. */
function cleaned(value: unknown, clean: (text: string) => string): unknown {
  if (typeof value === 'string') return clean(value);
  if (typeof value === 'number') return clean(String(value)) === String(value) ? value : clean(String(value));
  if (Array.isArray(value)) return value.map((item) => cleaned(item, clean));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [clean(key), cleaned(inner, clean)]));
}

/** The longest comes first, lest a part of it be taken for all of it. */
const anyOf = (texts: readonly string[]): RegExp =>
  new RegExp(
    [...new Set(texts)]
      .toSorted((a, b) => b.length - a.length)
      .map((text) => text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`))
      .join('|'),
    'g',
  );

const quoted = (text: string): string => JSON.stringify(text).slice(1, -1);

/** As a component of a URL; what is no Unicode cannot be one. */
function encoded(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return text;
  }
}
