import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runHere } from '../support/command.ts';
import { minimal } from '../support/config.ts';

/** Runs the command; what it wrote and its exit code. */
async function run(t: Test, config: string): Promise<{ code: number | null; out: string; err: string }> {
  const { code, stdout: out, stderr: err } = await runHere(t, ['check', '-c', config]);
  return { code, out, err };
}

const routes = `upstreams: { v0: { url: http://a }, v1: { url: http://b } }
routes:
  - { name: facts, match: { path: /fact/, host: h, methods: [GET] }, flag: f, versions: { 0: v0, 1: v1 }, default: 0 }
  - { name: site, upstream: v0 }
`;
const lines = '  facts: GET h/fact/ by f: 0 -> v0, 1 -> v1; default 0\n  site: / -> v0\n';

const note = (why: string) => `note: facts always serves its default, since ${why}\n`;

await t.test('the starter file is fine as it is', async (t) => {
  const { code, out, err } = await run(t, 'config/trenchcoat.yaml');
  t.match(
    out,
    /^config\/trenchcoat\.yaml: fine\n {2}facts: GET,HEAD,OPTIONS \/fact\/ by raccoon_facts_api: /,
  );
  t.strictSame({ code, err }, { code: 0, err: '' });
});

await t.test('every mistake goes to standard error, and the exit code is 1', async (t) => {
  const folder = t.testdir({ 'a.yaml': `${minimal}listen: 3\nlisten: 4\n` });
  const file = join(folder, 'a.yaml');
  t.strictSame(await run(t, file), {
    code: 1,
    out: '',
    err:
      `${file}:3:9 listen: found 3 (a number); expected HOST:PORT, such as 0.0.0.0:8080 or [::]:8080, or a map\n` +
      `${file}:4:1 listen: the key "listen" was already given on line 3\n`,
  });
});

await t.test('the flag file is read too', async (t) => {
  const folder = t.testdir({
    'good.yaml': `${routes}flags: { source: local, file: good-flags.yaml }\n`,
    'good-flags.yaml': 'flagValues: { f: 1 }\n',
    'bad.yaml': `${routes}flags: { source: local, file: bad-flags.yaml }\n`,
    'bad-flags.yaml': 'flags:\n  f: { on: perhaps, variations: [0, 1] }\n',
    'gone.yaml': `${routes}flags: { source: local, file: gone-flags.yaml }\n`,
    'other.yaml': `${routes}flags: { source: local, file: other-flags.yaml }\n`,
    'other-flags.yaml': 'flagValues: { g: 1 }\n',
    'strange.yaml': `${routes}flags: { source: local, file: strange-flags.yaml }\n`,
    'strange-flags.yaml': 'flagValues: { f: 7 }\n',
  });
  const at = (name: string) => run(t, join(folder, name));
  const fine = (name: string, note = '') => ({
    code: 0,
    out: `${label(name)}: fine\n${lines}${note}`,
    err: '',
  });
  const label = (name: string) => join(folder, name).replace(`${process.cwd()}/`, '');

  t.strictSame(await at('good.yaml'), fine('good.yaml'));
  t.match(await at('bad.yaml'), {
    code: 1,
    out: '',
    err: `${label('bad-flags.yaml')}:2:12 flags.f.on: found "perhaps"; expected true or false`,
  });
  t.match(await at('gone.yaml'), { code: 1, out: '', err: `${label('gone-flags.yaml')}:1:1 ` });
  t.strictSame(
    await at('other.yaml'),
    fine('other.yaml', note(`${label('other-flags.yaml')} has no flag f`)),
  );
  t.strictSame(
    await at('strange.yaml'),
    fine('strange.yaml', note('no variation of f is one of its versions: 0, 1')),
  );
});
