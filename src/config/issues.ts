import type { z } from 'zod';
import { valueAt } from './values.ts';

type Issue = z.core.$ZodIssue;

/** One mistake in one place. `words` are the literals it could be, `wants` the plain types that would have fitted. */
export type Leaf = {
  issue: Issue;
  path: PropertyKey[];
  expected: { text: string; words: string[] };
  wants: ReadonlySet<string>;
};

/** Zod's issues with unions resolved: of a union, the branch that the value was meant for. */
export function leaves(issues: readonly Issue[], root: unknown, base: readonly PropertyKey[] = []): Leaf[] {
  return issues.flatMap((issue) => {
    const path = [...base, ...issue.path];
    if (issue.code !== 'invalid_union' || issue.message !== '' || issue.errors.length === 0)
      return [leaf(issue, path, [issue])];
    const fitting = issue.errors.filter(
      (branch) => !branch.some((inner) => missesType(inner, valueAt(root, path))),
    );
    const deep = fitting.filter((branch) => branch.some((inner) => reachesInside(inner)));
    const best = deep.toSorted((a, b) => a.length - b.length)[0];
    if (best !== undefined) return leaves(best, root, path);
    return [leaf(issue, path, (fitting.length > 0 ? fitting : issue.errors).flat())];
  });
}

function leaf(issue: Issue, path: PropertyKey[], alternatives: readonly Issue[]): Leaf {
  const flat = alternatives.flatMap(unfolded);
  const words = flat.flatMap((inner) => {
    if (inner.code === 'invalid_value') return inner.values.map(String);
    return 'options' in inner ? (inner.options ?? []).map(String) : [];
  });
  const text = [...new Set(flat.map(expectation))].join(', or ');
  const wants = new Set(flat.flatMap((inner) => (inner.code === 'invalid_type' ? [inner.expected] : [])));
  return { issue, path, expected: { text: issue.message === '' ? text : expectation(issue), words }, wants };
}

const unfolded = (issue: Issue): Issue[] =>
  issue.code === 'invalid_union' && issue.message === '' && issue.errors.length > 0
    ? issue.errors.flat().flatMap(unfolded)
    : [issue];

/** The value is of another kind than this branch of a union is about, so what the branch says is beside the point. */
function missesType(issue: Issue, value: unknown): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === 'invalid_type') return true;
  if (issue.code === 'invalid_union')
    return issue.errors.every((branch) => branch.some((inner) => missesType(inner, value)));
  return issue.code === 'invalid_value' && issue.values.every((allowed) => typeof allowed !== typeof value);
}

const reachesInside = (issue: Issue): boolean =>
  issue.path.length > 0 ||
  issue.code === 'unrecognized_keys' ||
  (issue.code === 'custom' && issue.params?.['sentence'] === true);

const typeNames: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
  null: 'nothing',
};

/** What finishes the sentence "expected …". */
export function expectation(issue: Issue): string {
  if (issue.message !== '') return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return typeNames[issue.expected] ?? `a value of type ${issue.expected}`;
    case 'invalid_value':
      return oneOf(issue.values);
    case 'too_small':
      return bound('at least', issue.minimum, issue.origin);
    case 'too_big':
      return bound('at most', issue.maximum, issue.origin);
    case 'invalid_union':
      return oneOf('options' in issue ? (issue.options ?? []) : []);
    case 'invalid_format':
      return `text in the form ${issue.format}`;
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    case 'unrecognized_keys':
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
      break;
  }
  return 'another value';
}

function oneOf(values: readonly unknown[]): string {
  const words = values.map(String);
  return words.length === 1 ? (words[0] ?? '') : `one of ${words.join(', ')}`;
}

function bound(side: string, limit: number | bigint, origin: string): string {
  if (origin === 'array') return `${side} ${limit} entries`;
  return origin === 'string' ? `${side} ${limit} characters` : `a number of ${side} ${limit}`;
}
