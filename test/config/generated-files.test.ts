import { readFileSync } from 'node:fs';
import t from 'tap';
import { generatedFiles } from '../../src/generated-files.ts';
import { publicJsonSchema } from '../../src/config/json-schema.ts';
import { childOf, entriesOf } from '../../src/config/values.ts';

await t.test('what is made from the sources is up to date', async (t) => {
  for (const { path, text } of generatedFiles())
    t.equal(readFileSync(path, 'utf8'), text, `${path}: stale when this fails; run \`npm run generate\``);
});

/** Every key of a JSON Schema with its description. */
function* keysOf(node: unknown, path = ''): Generator<[path: string, description: unknown]> {
  if (typeof node !== 'object' || node === null) return;
  for (const [key, child] of Object.entries(node)) {
    if (key === 'properties')
      for (const [name, property] of entriesOf(child)) {
        yield [`${path}.${name}`, childOf(property, 'description')];
        yield* keysOf(property, `${path}.${name}`);
      }
    else yield* keysOf(child, path);
  }
}

await t.test('every key has a description', async (t) => {
  const keys = [...keysOf(publicJsonSchema())];
  t.ok(keys.length > 50);
  for (const [path, description] of keys) t.type(description, 'string', path);
});

await t.test('the starter file has every key', async (t) => {
  const starter = readFileSync('config/trenchcoat.yaml', 'utf8');
  for (const [path] of keysOf(publicJsonSchema())) {
    const key = path.replace(/.*\./, '');
    t.match(starter, new RegExp(`(^|[\\s{#-])${key}:`, 'm'), path);
  }
});
