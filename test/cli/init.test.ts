import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { init } from '../../src/cli/init.ts';
import { UserError } from '../../src/config/errors.ts';
import { loadConfig } from '../../src/config/load.ts';

await t.test('writes the starter file and its schema, which load, and says what is next', async (t) => {
  const file = join(t.testdir({}), 'mine.yaml');
  const stdout = t.capture(process.stdout, 'write', () => true);
  const code = await init({ file });
  stdout.restore();
  t.equal(code, 0);
  t.match(
    stdout()
      .map(({ args }) => String(args[0]))
      .join(''),
    `trenchcoat check -c ${file}\n`,
  );
  t.equal(readFileSync(file, 'utf8'), readFileSync('config/trenchcoat.yaml', 'utf8'));
  t.match(readFileSync(file, 'utf8'), /^# yaml-language-server: \$schema=\.\/trenchcoat\.schema\.json\n/);
  t.ok(existsSync(join(file, '../trenchcoat.schema.json')));
  t.equal((await loadConfig(file)).config.routes.length, 2);
});

await t.test('never overwrites', async (t) => {
  const folder = t.testdir({ 'mine.yaml': 'mine', other: { 'trenchcoat.schema.json': 'mine' } });
  const stdout = t.capture(process.stdout, 'write', () => true);
  const code = await init({ file: join(folder, 'other/a.yaml') });
  stdout.restore();
  t.equal(code, 0);
  await t.rejects(init({ file: join(folder, 'mine.yaml') }), UserError);
  t.equal(readFileSync(join(folder, 'mine.yaml'), 'utf8'), 'mine');
  t.equal(readFileSync(join(folder, 'other/trenchcoat.schema.json'), 'utf8'), 'mine');
});

await t.test('a folder that is not there', async (t) => {
  await t.rejects(init({ file: join(t.testdir({}), 'none/a.yaml') }), {
    constructor: UserError,
    message: /its folder does not exist$/,
  });
});
