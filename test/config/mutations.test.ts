import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import t from 'tap';
import { readDocument } from '../../src/config/document.ts';
import type { Problem } from '../../src/config/errors.ts';
import { crossChecks } from '../../src/config/cross-checks.ts';
import { schema } from '../../src/config/schema.ts';
import { validate } from '../../src/config/validate.ts';

const starter = readFileSync('config/trenchcoat.yaml', 'utf8');

const morsel = fc.oneof(
  fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ':',
    ': ',
    ',',
    '-',
    '- ',
    '? ',
    '&a ',
    '*a ',
    '!x ',
    '!!int ',
    '|\n',
    '>',
    '"',
    "'",
    '#',
    '\n',
    '\t',
    '${',
    '${A}',
    '${A:-b}',
    '$${',
    '---\n',
    '...\n',
    '%YAML 1.1\n',
    '<<: ',
    '__proto__: ',
    'constructor: ',
    '~',
    'null',
    '0',
    '-1',
    '1e999',
    '.nan',
    'true',
    '\u0000',
    '\ufeff',
    '\u2028',
    '😀',
    '\ud800',
  ),
  fc.string({ maxLength: 8 }),
);

/** Cut out a piece, put something in its place, a few times over. */
const edits = fc.array(
  fc.record({ at: fc.nat(starter.length), cut: fc.oneof(fc.nat(12), fc.nat(400)), add: morsel }),
  { minLength: 1, maxLength: 6 },
);

const mutated = edits.map((list) =>
  list.reduce((text, { at, cut, add }) => text.slice(0, at) + add + text.slice(at + cut), starter),
);

function problemsIn(text: string): Problem[] {
  const { document, problems } = readDocument(text, 'x.yaml', { A: 'a' });
  if (document === undefined) return problems;
  return [...problems, ...validate(schema, document).problems, ...crossChecks(document)];
}

await t.test('any edit of the starter file loads, or yields problems that point into the file', async (t) => {
  let broken = 0;
  fc.assert(
    fc.property(mutated, (text) => {
      const problems = problemsIn(text);
      if (problems.length > 0) broken += 1;
      const lines = text.split('\n');
      for (const { line, column, message } of problems) {
        if (line < 1 || line > lines.length) throw new Error(`line ${line} of ${lines.length}: ${message}`);
        const length = lines[line - 1]?.length ?? 0;
        if (column < 1 || column > length + 1) throw new Error(`column ${column} of ${length}: ${message}`);
        if (message === '' || /undefined|\[object|expected (string|number)|Invalid input/.test(message))
          throw new Error(`no message for people: ${message}`);
      }
    }),
    { numRuns: 500 },
  );
  t.ok(broken > 200, 'most edits break something');
});

await t.test('the starter file itself is fine', async (t) => t.strictSame(problemsIn(starter), []));
