import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { EnvironmentError, printable, UserError } from '../config/errors.ts';
import { jsonSchemaText } from '../config/json-schema.ts';
import { packageFile } from '../package.ts';

const schemaName = 'trenchcoat.schema.json';

/**
 * Writes a commented starter file, and beside it the JSON Schema that its first line names; the exit code. What is
 * there already is never overwritten: for the file itself that is a `UserError`.
 */
export async function init({ file = './trenchcoat.yaml' }: { file?: string } = {}): Promise<number> {
  const starter = await readFile(packageFile('config/trenchcoat.yaml'), 'utf8');
  if (!(await writeNew(file, starter))) throw new UserError(`${file} is already there, and was left alone`);
  const schemaFile = join(dirname(file), schemaName);
  const wroteSchema = await writeNew(schemaFile, jsonSchemaText());
  const name = printable(file);
  const next = basename(file) === 'trenchcoat.yaml' && dirname(file) === '.' ? '' : ` -c ${name}`;
  process.stdout.write(
    `Wrote ${name}${wroteSchema ? `, and ${printable(schemaFile)} for editors` : ''}.\n` +
      'Next: put the addresses of your APIs under `upstreams`, then\n' +
      `  trenchcoat check${next}\n` +
      `  trenchcoat run${next}\n`,
  );
  return 0;
}

/** Writes a file that is not there yet; false when it is. */
async function writeNew(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') return false;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new UserError(`${file}: its folder does not exist`);
    throw new EnvironmentError(`${file}: cannot be written (${String(code)})`, { cause: error });
  }
}
