import {
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  Lexer,
  parseDocument,
  type ParsedNode,
  type YAMLMap,
} from 'yaml';
import { pathText, quoted, type Problem } from './errors.ts';
import { placesOf, type Place, type Places, type Position } from './place.ts';
import { maxDepth, scan, tooDeep, type Unquoted } from './scan.ts';
import { substitute, type Variables } from './substitute.ts';

/** A YAML file as plain values, with the place of each. */
export type Document = { file: string; value: unknown } & Places;

/** Bytes that a file may have. */
export const maxBytes = 1024 * 1024;
const maxNodes = 100_000;

/**
 * Reads one YAML 1.2 document into plain values. Every mistake becomes a problem; nothing is thrown. `document` is
 * absent when the text has no reliable structure. With `env`, `${NAME}` in a scalar value is replaced after parsing;
 * without it such text is left alone.
 */
export function readDocument(
  text: string,
  file: string,
  env?: Variables,
): { document: Document | undefined; problems: Problem[] } {
  const problems: Problem[] = [];
  const locate = locator(text);
  const report: Report = (offset, path, message) => {
    problems.push({ file, ...locate(offset), path: pathText(path), message });
  };
  const unread = { document: undefined, problems };

  const control = text.search(controlCharacter);
  if (Buffer.byteLength(text) > maxBytes) report(0, [], 'the file is larger than 1 MiB');
  else if (control >= 0) report(control, [], `${codePoint(text, control)} is a control character, not text`);
  if (problems.length > 0) return unread;
  const { refusal, unquoted: found } = scan(text, new Lexer().lex(text));
  if (refusal !== undefined) {
    report(refusal.offset, [], refusal.message);
    return unread;
  }

  const unquoted = env === undefined ? [] : found;
  for (const { start, advice } of unquoted)
    report(start, [], `\${…} inside { } or [ ] is a map to YAML unless quoted; quote it: ${advice}`);
  const tree = parseDocument(masked(text, unquoted), {
    prettyErrors: false,
    logLevel: 'error', // silent would hide a second document
    uniqueKeys: false, // quadratic; the walk below looks itself
    resolveKnownTags: false,
  });
  const faults = [...tree.errors, ...tree.warnings];
  for (const fault of faults) report(fault.pos[0], [], syntaxMessage(fault));
  if (tree.directives?.yaml.version !== '1.2') report(0, [], 'only YAML 1.2 is read; remove the %YAML line');
  if (problems.length > unquoted.length) return unread;
  if (tree.contents === null || (isScalar(tree.contents) && tree.contents.source === '')) {
    report(0, [], 'the file is empty');
    return unread;
  }
  const lineOf = (offset = 0) => locate(offset).line;
  const walked = walk(tree.contents, new Set(unquoted.map(({ start }) => start)), env, { report, lineOf });
  if (walked === undefined) return unread;
  return { document: { file, value: walked.value, ...placesOf(walked.place, locate) }, problems };
}

type Report = (offset: number, path: readonly PropertyKey[], message: string) => void;
type Walked = { value: unknown; place: Place };

/**
 * Turns YAML nodes into plain values. Aliases are written out, so that each copy counts against the bound on nodes:
 * undefined when the bounds are passed. `masked` are the offsets of scalars that stand for an unquoted reference.
 */
function walk(
  root: ParsedNode,
  masked: ReadonlySet<number>,
  env: Variables | undefined,
  { report, lineOf }: { report: Report; lineOf: (offset: number | undefined) => number },
): Walked | undefined {
  const anchors = new Map<string, ParsedNode>();
  const open = new Set<ParsedNode>();
  let nodes = 0;
  let substituted = 0;
  let refused = false;
  const refuse = (offset: number, path: readonly PropertyKey[], message: string): void => {
    if (!refused) report(offset, path, message);
    refused = true;
  };

  function visit(node: ParsedNode | null, path: readonly PropertyKey[], key: number | undefined): Walked {
    const offset = node?.range[0] ?? key ?? 0;
    const place: Place = { key, value: offset, children: new Map(), variables: undefined, faulty: false };
    nodes += 1;
    if (nodes > maxNodes) refuse(offset, path, `more than ${maxNodes} values once aliases are written out`);
    if (path.length > maxDepth) refuse(offset, path, tooDeep);
    if (refused || node === null) return { value: null, place };
    if (isAlias(node)) return alias(node.source, offset, path, key, place);
    if (node.anchor !== undefined) anchors.set(node.anchor, node);
    if (isScalar(node)) return { value: scalar(node.value, offset, path, place), place };
    open.add(node);
    const value = isMap(node) ? map(node, path, place) : list(node.items, path, place);
    open.delete(node);
    return { value, place };
  }

  function alias(
    name: string,
    offset: number,
    path: readonly PropertyKey[],
    key: number | undefined,
    place: Place,
  ): Walked {
    const target = anchors.get(name);
    if (target !== undefined && !open.has(target)) return visit(target, path, key);
    report(
      offset,
      path,
      target === undefined ? `no anchor &${name} before this` : `*${name} stands inside itself`,
    );
    place.faulty = true;
    return { value: '', place };
  }

  function scalar(value: unknown, offset: number, path: readonly PropertyKey[], place: Place): unknown {
    place.faulty = masked.has(offset);
    if (env === undefined || typeof value !== 'string') return value;
    const substitution = substitute(value, env);
    if (substitution === undefined) return value;
    for (const fault of substitution.faults) report(offset, path, fault);
    place.faulty ||= substitution.faults.length > 0;
    place.variables = substitution.names;
    substituted += substitution.text.length;
    if (substituted > maxBytes) refuse(offset, path, 'the environment fills in more than 1 MiB');
    return substitution.text;
  }

  function list(items: readonly ParsedNode[], path: readonly PropertyKey[], place: Place): unknown[] {
    return items.map((item, index) => {
      const walked = visit(item, [...path, index], undefined);
      place.children.set(String(index), walked.place);
      return walked.value;
    });
  }

  function map(node: YAMLMap.Parsed, path: readonly PropertyKey[], place: Place): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    for (const { key, value } of node.items) {
      const at = key.range[0];
      if (masked.has(at)) continue;
      const name = isScalar(key) ? keyText(key.value) : undefined;
      if (isScalar(key) && key.anchor !== undefined) anchors.set(key.anchor, key);
      if (name === undefined)
        report(at, path, 'a key must be a word, not a list, a map, an alias or nothing');
      else if (name === '__proto__') report(at, path, '`__proto__` is not allowed as a key');
      else if (name === '<<') report(at, path, 'merge keys (`<<`) are not read; write the keys out');
      else if (place.children.has(name))
        report(
          at,
          [...path, name],
          `the key ${quoted(name)} was already given on line ${lineOf(place.children.get(name)?.key)}`,
        );
      else {
        const walked = visit(value, [...path, name], at);
        place.children.set(name, walked.place);
        result[name] = walked.value;
      }
      if (refused) break;
    }
    return result;
  }

  const walked = visit(root, [], undefined);
  return refused ? undefined : walked;
}

/** `0` and `true` are written as keys without quotes; in the value they are strings like every other key. */
function keyText(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}

// What YAML's own alphabet leaves out (YAML 1.2 §5.1), NUL included.
const controlCharacter = /[^\P{Cc}\t\n\r\u0085]/u;

function codePoint(text: string, offset: number): string {
  return `U+${text.charCodeAt(offset).toString(16).toUpperCase().padStart(4, '0')}`;
}

function locator(text: string): (offset: number) => Position {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
  return (offset) => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line, column: col };
  };
}

/** The text with unquoted references blanked out, so that the rest can be read; every offset stays. */
function masked(text: string, unquoted: readonly Unquoted[]): string {
  const parts: string[] = [];
  let from = 0;
  for (const { start, end } of unquoted) {
    parts.push(text.slice(from, start), '$'.repeat(end - start));
    from = end;
  }
  parts.push(text.slice(from));
  return parts.join('');
}

const cut = (text: string) => (text.length > 120 ? `${text.slice(0, 117)}...` : text);

function syntaxMessage({ code, message }: { code: string; message: string }): string {
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here; a file holds one';
  if (code === 'TAB_AS_INDENT') return 'a tab cannot indent; use spaces';
  if (message.startsWith('Unresolved tag: '))
    return `unknown tag ${cut(message.slice(16).replace('tag:yaml.org,2002:', '!!'))}; remove it`;
  return `not YAML: ${message.charAt(0).toLowerCase()}${cut(message.slice(1).replaceAll('\n', ' '))}`;
}
