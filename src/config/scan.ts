/**
 * What has to be known of a YAML text before a parser may build a tree from it. A recursive parser cannot be asked
 * about a text of 500,000 brackets: it ends the process.
 */

/** An unquoted `${NAME}` inside `{ }` or `[ ]`, which YAML reads as the start of a map. Offsets into the text. */
export type Unquoted = { start: number; end: number; advice: string };

export type Scan = { refusal: { offset: number; message: string } | undefined; unquoted: Unquoted[] };

/** Levels of nesting that a file may have. */
export const maxDepth = 64;
const maxIndent = 200;
const maxLexemes = 400_000;

export const tooDeep = `nested deeper than ${maxDepth} levels`;

/**
 * Walks the lexemes of a YAML text once. It refuses brackets nested beyond `maxDepth`, block indentation beyond
 * 200 columns, and more than 400,000 lexemes, which a megabyte of text that means anything does not have.
 */
export function scan(text: string, lexemes: Iterable<string>): Scan {
  const unquoted: Unquoted[] = [];
  const refused = (offset: number, message: string): Scan => ({ refusal: { offset, message }, unquoted });
  let offset = 0;
  let count = 0;
  let flow = 0;
  let indent: number | undefined = 0;
  let scalar = false;
  let key = '';
  let recent = '';
  let plain: string | undefined;

  for (const lexeme of lexemes) {
    if (!scalar && isMark(lexeme)) {
      scalar = lexeme === scalarMark;
      continue;
    }
    const start = offset;
    count += 1;
    if (count > maxLexemes) return refused(start, 'the file holds too many values');
    offset += lexeme.length;
    if (/^\r?\n$/.test(lexeme)) indent = 0;
    else if (indent !== undefined && flow === 0 && !lexeme.startsWith('#')) {
      if (/^ +$/.test(lexeme)) indent += lexeme.length;
      else if (!scalar && /^[-?:]$/.test(lexeme)) indent += 1;
      else indent = undefined;
      if ((indent ?? 0) > maxIndent) return refused(start, tooDeep);
    }
    if (!scalar && (lexeme === '{' || lexeme === '[')) {
      if (lexeme === '{' && flow > 0 && plain?.endsWith('$') === true) {
        const found = around(text, start - plain.length, start, key);
        if (found.start >= (unquoted.at(-1)?.end ?? 0)) unquoted.push(found);
      }
      flow += 1;
      if (flow > maxDepth) return refused(start, tooDeep);
    } else if (!scalar && (lexeme === '}' || lexeme === ']')) flow = Math.max(0, flow - 1);
    if (!scalar && lexeme === ':') key = recent;
    else if (!scalar && /^[,{}[\]]$/.test(lexeme)) key = '';
    plain = scalar ? lexeme : undefined;
    if (scalar || /^["']/.test(lexeme)) recent = lexeme;
    scalar = false;
  }
  return { refusal: undefined, unquoted };
}

// The lexer's marks for a document's start, an unterminated flow collection and a plain scalar stand for no text.
const scalarMark = '\u001f';
const isMark = (lexeme: string) => lexeme === '\u0002' || lexeme === '\u0018' || lexeme === scalarMark;

function around(text: string, start: number, brace: number, key: string): Unquoted {
  const rest = /^(?:\{[^{}\n]*\}|[^\s,{}[\]])*/.exec(text.slice(brace, brace + 1024))?.[0] ?? '';
  const end = brace + rest.length;
  const written = end - start > 80 ? `${text.slice(start, start + 77)}...` : text.slice(start, end);
  const advice = key === '' ? `"${written}"` : `{ ${key}: "${written}" }`;
  return { start, end, advice };
}
