import t, { type Test } from 'tap';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { begin } from '../../src/rollout/configure.ts';
import { openStore } from '../../src/store/open-store.ts';
import { rolloutKind, type RolloutState } from '../../src/rollout/state.ts';
import { run } from '../support/command.ts';
import { config } from '../support/rollout.ts';

const state = (flag = 'api'): RolloutState =>
  begin(flag, config(), 'salt', { now: 0, lead: 0, who: 'person', why: '', nonce: '00000000' });
const open = (file: string) => openStore({ kept: 'file', file }, systemClock, [rolloutKind]);

/** A file as the store writes it, with this text in the place of its own. */
async function spoiled(t: Test, spoil: (text: string) => string) {
  const file = join(t.testdir(), 'state.json');
  const store = await open(file);
  await store.write(rolloutKind, state(), '');
  const text = spoil(readFileSync(file, 'utf8'));
  writeFileSync(file, text);
  return { file, store, text };
}

const spoils: Record<string, [(text: string) => string, RegExp]> = {
  'half written': [(text) => text.slice(0, text.length / 2), /no JSON, or only a part/],
  'cut off by one': [(text) => text.trimEnd().slice(0, -1), /no JSON, or only a part/],
  empty: [() => '', /no JSON, or only a part/],
  'not text': [() => '\0\u0001\ufffd', /no JSON/],
  'somebody else’s': [
    () => '{"name":"package","version":"1.0.0"}',
    /not the state of rollouts as this version/,
  ],
  'of a later version': [
    (text) => text.replace('"format": 1', '"format": 2'),
    /this version writes it at format/,
  ],
  'a negative percentage': [
    (text) => text.replace('"percent": 25', '"percent": -1'),
    /rollouts\.api\.stages/,
  ],
  'an unknown status': [(text) => text.replace('in_progress', 'on_the_way'), /rollouts\.api/],
  'a number too large': [
    (text) => text.replace('"revision": 1', '"revision": 1e400'),
    /rollouts\.api\.revision/,
  ],
};

for (const [name, [spoil, message]] of Object.entries(spoils))
  await t.test(`a file that is ${name} is refused, and left as it is`, async (t) => {
    const { file, store, text } = await spoiled(t, spoil);
    await t.rejects(open(file), { name: 'UserError', message });
    await t.rejects(open(file), {
      message: new RegExp(`^state: ${file}.*put it right, or stop the proxy and move it away`),
    });
    await t.rejects(store.write(rolloutKind, state('other'), ''), {
      name: 'StoreError',
      kind: 'refused',
      message,
    });
    await t.rejects(store.read(rolloutKind, new Map([['api', '']])), { name: 'StoreError', kind: 'refused' });
    t.equal(readFileSync(file, 'utf8'), text);
  });

await t.test('a folder, or a file that must not be read, is refused', async (t) => {
  const folder = t.testdir({ state: {} });
  await t.rejects(open(join(folder, 'state')), { message: /is not a file/ });
  await t.rejects(open(join(folder, 'none', 'state.json')), {
    message: /the folder of .* cannot be read \(ENOENT\)/,
  });
});

await t.test('a file without the right to it is refused', async (t) => {
  const { file } = await spoiled(t, (text) => text);
  chmodSync(file, 0);
  // Root may read everything, so it is nobody for a moment.
  const root = process.getuid?.() === 0;
  if (root) process.seteuid?.(65_534);
  try {
    await t.rejects(open(file), { message: /cannot be read \(EACCES\)/ });
  } finally {
    if (root) process.seteuid?.(0);
  }
});

await t.test('the states of flags that are not asked for are kept', async (t) => {
  const { file, store } = await spoiled(t, (text) => text);
  t.equal(await store.write(rolloutKind, state('other'), ''), true);
  const { rollouts } = JSON.parse(readFileSync(file, 'utf8')) as { rollouts: object };
  t.same(Object.keys(rollouts), ['api', 'other']);
});

await t.test('a link stays a link, and what it leads to is written', async (t) => {
  const folder = t.testdir({ volume: {} });
  const [link, target] = [join(folder, 'state.json'), join(folder, 'volume', 'state.json')];
  await (await open(target)).write(rolloutKind, state('other'), '');
  symlinkSync(target, link);
  await (await open(link)).write(rolloutKind, state(), '');
  t.ok(lstatSync(link).isSymbolicLink());
  t.match(readFileSync(target, 'utf8'), /"api"/);
});

await t.test('what a killed process left behind is cleared away, and nothing else', async (t) => {
  const folder = t.testdir({ '.state.json.tmp-0badcafe': '{"tren', '.other.tmp-1': 'x', 'notes.txt': 'x' });
  const store = await open(join(folder, 'state.json'));
  await store.write(rolloutKind, state(), '');
  t.same(readdirSync(folder).toSorted(), ['.other.tmp-1', 'notes.txt', 'state.json']);
});

await t.test('a write that fails says so, and the next one may succeed', async (t) => {
  const folder = join(t.testdir({ inner: {} }), 'inner');
  const store = await open(join(folder, 'state.json'));
  rmSync(folder, { recursive: true });
  await t.rejects(store.write(rolloutKind, state(), ''), {
    kind: 'away',
    message: /state\.json cannot be written \(ENOENT\)/,
  });
  mkdirSync(folder);
  t.equal(await store.write(rolloutKind, state(), ''), true);
});

await t.test('the proxy does not start on a file it cannot use, and says why in one line', async (t) => {
  const folder = t.testdir({
    'state.json': '{"trenchcoat":"roll',
    'trenchcoat.yaml': `
listen: 127.0.0.1:0
admin: off
upstreams: { v0: { url: "http://127.0.0.1:9" }, v1: { url: "http://127.0.0.1:9" } }
routes: [{ name: all, flag: api, versions: { 0: v0, 1: v1 }, default: 0 }]
rollouts: { api: { from: 0, to: 1, stages: [{ percent: 25, for: 1m }] } }
state: file:state.json
`,
  });
  const ended = await run(t, ['run'], { cwd: folder });
  t.match(ended, {
    code: 1,
    stdout: '',
    stderr: /^trenchcoat: state: [^\n]*state\.json is not the state[^\n]*\n$/,
  });
  t.equal(readFileSync(join(folder, 'state.json'), 'utf8'), '{"trenchcoat":"roll');
});
