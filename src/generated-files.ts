import { readFileSync } from 'node:fs';
import { jsonSchemaText } from './config/json-schema.ts';
import { reference } from './config/reference.ts';
import { packageFile } from './package.ts';
import { accessFieldsTable } from './telemetry/access-line.ts';
import { familiesTable } from './telemetry/metric-families.ts';

/** Every file of the repository that is made, or has a part that is made: its path from the package's folder, and its text. */
export function generatedFiles(): { path: string; text: string }[] {
  const readme = readFileSync(packageFile('README.md'), 'utf8');
  return [
    { path: 'config/trenchcoat.schema.json', text: jsonSchemaText() },
    { path: 'config/README.md', text: reference() },
    {
      path: 'README.md',
      text: withPart(withPart(readme, 'metrics', familiesTable()), 'log fields', accessFieldsTable()),
    },
  ];
}

/** The text with what stands between the two marks of a part replaced. */
function withPart(text: string, name: string, part: string): string {
  const [begin, end] = [`<!-- ${name}: made by npm run generate -->`, `<!-- ${name}: end -->`];
  const [before, rest] = text.split(begin);
  const [, after] = rest?.split(end) ?? [];
  if (before === undefined || after === undefined) throw new Error(`README.md has no place for ${name}`);
  return `${before}${begin}\n<!-- prettier-ignore-start -->\n\n${part}\n<!-- prettier-ignore-end -->\n${end}${after}`;
}
