import type { z } from 'zod';
import type { Document } from './document.ts';
import { listed, pathText, quoted, suggestion, type Problem } from './errors.ts';
import { expectation, leaves, type Leaf } from './issues.ts';
import { jsonSchemaOf, keysAt, nodesAt } from './json-schema.ts';
import { isMap, valueAt } from './values.ts';

const rounds = 10;

/**
 * Checks a document against a schema. Every mistake becomes a problem with its place, what was found and what is
 * allowed; what came from the environment, or is a secret, is not shown. A substituted text that reads as a number or
 * a boolean is taken as one where the schema wants one.
 */
export function validate<S extends z.ZodType>(
  schema: S,
  document: Document,
): { value: z.output<S> | undefined; problems: Problem[] } {
  let { value } = document;
  for (let round = 1; ; round += 1) {
    // An empty message marks an issue for which the schema itself has no words.
    const parsed = schema.safeParse(value, { error: () => '' });
    if (parsed.success) return { value: parsed.data, problems: [] };
    const found = leaves(parsed.error.issues, value);
    const mended = round < rounds ? coerced(value, found, document) : undefined;
    if (mended === undefined) {
      const problems = found
        .filter((leaf) => !document.faulty(leaf.path) && !isEcho(leaf, found))
        .flatMap((leaf) => problemsOf(leaf, { schema, document, value }));
      return { value: undefined, problems };
    }
    value = mended;
  }
}

/** What a person would call the value at a path, secrets and the environment unseen. */
export function foundAt(document: Document, path: readonly PropertyKey[], secret = false): string {
  const value = valueAt(document.value, path);
  const variables = document.variables(path) ?? [];
  if (variables.length > 0) return `the value of ${variables.map((name) => `\${${name}}`).join(' and ')}`;
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (isMap(value)) return mapText(Object.keys(value));
  if (secret) return `a ${typeof value}`;
  if (typeof value === 'string') return quoted(value.replace(/\/\/[^/@\s]*@/, '//…@'));
  return `${JSON.stringify(value) ?? ''} (a ${typeof value})`;
}

function mapText(keys: readonly string[]): string {
  if (keys.length === 0) return 'an empty map';
  const some = keys.slice(0, 6).map((key) => (/^[\w.-]{1,40}$/.test(key) ? key : quoted(key)));
  return `a map of ${some.join(', ')}${keys.length > 6 ? ', …' : ''}`;
}

/** A sentence about a whole map says nothing more once one of its keys is unknown. */
function isEcho({ issue, path }: Leaf, found: readonly Leaf[]): boolean {
  const same = (other: Leaf) =>
    other.issue.code === 'unrecognized_keys' && pathText(other.path) === pathText(path);
  return issue.code === 'custom' && found.some(same);
}

type Scene = { schema: z.ZodType; document: Document; value: unknown };

function problemsOf({ issue, path, expected }: Leaf, { schema, document, value }: Scene): Problem[] {
  const problem = (at: readonly PropertyKey[], part: 'key' | 'value', message: string): Problem => ({
    file: document.file,
    ...document.at(at, part),
    path: pathText(at),
    message,
  });
  const json = jsonSchemaOf(schema);

  if (issue.code === 'unrecognized_keys') {
    const allowed = keysAt(json, path, value);
    return issue.keys.map((key) =>
      problem([...path, key], 'key', `unknown key${suggestion(key, allowed)}; allowed: ${listed(allowed)}`),
    );
  }
  if (issue.code === 'invalid_key')
    return [problem(path, 'key', `a key here must be ${issue.issues.map(expectation).join(', and ')}`)];

  const secret = nodesAt(json, path, value).some((node) => node.writeOnly === true);
  const text = foundAt(document, path, secret);
  if (issue.code === 'custom' && issue.params?.['sentence'] === true) {
    const sentence = issue.message.replace('{}', () => text.replace(/ \(a \w+\)$/, ''));
    return [problem(path, 'value', sentence + allowedText(issue.params['allowed'], valueAt(value, path)))];
  }
  const missing = valueAt(value, path) === undefined;
  const near = expected.words.length > 0 ? suggestion(String(valueAt(value, path)), expected.words) : '';
  return [
    problem(
      path,
      'value',
      `${missing ? 'missing' : `found ${text}`}; expected ${expected.text}${missing ? '' : near}`,
    ),
  ];
}

/** `; did you mean …?; allowed: a, b`, for a sentence about a value that is not one of a known few. */
export function allowedText(allowed: unknown, value: unknown): string {
  if (!Array.isArray(allowed)) return '';
  const words = allowed.map(String);
  const near = typeof value === 'string' ? suggestion(value, words) : '';
  return `${near}; allowed: ${words.length === 0 ? 'none' : listed(words)}`;
}

/** The values with each substituted text that the schema wants as a number or boolean made one; undefined if none is. */
function coerced(value: unknown, found: readonly Leaf[], document: Document): unknown {
  const copy = structuredClone(value);
  let changed = false;
  for (const { path, wants } of found) {
    const text = valueAt(value, path);
    const to =
      typeof text === 'string' && document.variables(path) !== undefined ? reading(text, wants) : undefined;
    const parent = valueAt(copy, path.slice(0, -1));
    const last = path.at(-1);
    if (to === undefined || last === undefined || typeof parent !== 'object' || parent === null) continue;
    changed = Reflect.set(parent, last, to) || changed;
  }
  return changed ? copy : undefined;
}

function reading(text: string, wants: ReadonlySet<string>): number | boolean | undefined {
  if (wants.has('boolean') && (text === 'true' || text === 'false')) return text === 'true';
  const number = (wants.has('number') || wants.has('int')) && /^-?\d{1,15}(\.\d{1,15})?$/.test(text);
  return number ? Number(text) : undefined;
}
