import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { UserError } from '../../src/config/errors.ts';
import { loadConfig } from '../../src/config/load.ts';
import { minimal } from '../support/config.ts';

const folder = t.testdir({
  'a.yaml': `${minimal}flags: { source: local, file: data/flags.yaml }\n`,
  'b.yaml': minimal,
});
const a = join(folder, 'a.yaml');

const messageOf = async (file: string | undefined, env: Record<string, string> = {}) =>
  loadConfig(file, env).then(
    () => 'fine',
    (error: unknown) => (error instanceof UserError ? error.message : `not a UserError: ${String(error)}`),
  );

await t.test('relative paths start at the folder of the file', async (t) => {
  const { config, file } = await loadConfig(a);
  t.equal(file, a);
  t.strictSame(config.flags, { source: 'local', file: join(folder, 'data/flags.yaml') });
});

await t.test('without a name it is $TRENCHCOAT_CONFIG, then ./trenchcoat.yaml', async (t) => {
  const b = join(folder, 'b.yaml');
  t.equal((await loadConfig(undefined, { TRENCHCOAT_CONFIG: b })).file, b);
  t.equal((await loadConfig(a, { TRENCHCOAT_CONFIG: b })).file, a, 'a name comes first');
  t.match(await messageOf(undefined, { TRENCHCOAT_CONFIG: '' }), 'trenchcoat.yaml:1:1 no such file');
});

await t.test('a file that cannot be read', async (t) => {
  mkdirSync(join(folder, 'c.yaml'));
  t.equal(
    await messageOf(join(folder, 'none.yaml')),
    `${folder}/none.yaml:1:1 no such file; name one with -c FILE, or write a first one with \`trenchcoat init\``,
  );
  t.match(await messageOf(join(folder, 'c.yaml')), 'c.yaml:1:1 a folder, not a file');
  t.match(await messageOf(join(a, 'x.yaml')), 'x.yaml:1:1 a part of this path is a file, not a folder');
  t.match(
    await messageOf('/dev/zero'),
    '/dev/zero:1:1 the file is larger than 1 MiB',
    'read no further than that',
  );
});

await t.test('overrides lie over the environment', async (t) => {
  const file = join(folder, 'd.yaml');
  writeFileSync(file, `${minimal}override: { secret: "\${HOME}" }`);
  t.equal((await loadConfig(file, { HOME: 'mine' })).config.override?.secret, 'mine');
  t.equal((await loadConfig(file)).config.override?.secret, process.env['HOME']);
});
