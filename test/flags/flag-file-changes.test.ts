import { mkdirSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { FlagProvider } from '../../src/flags/provider.ts';
import { watch } from '../../src/config/watch.ts';
import { until } from '../support/client.ts';
import { keptLog, opened, openedFile, user } from '../support/flags.ts';

const valued = (value: number) => `flagValues: { api: ${value} }\n`;
const valueOf = async (provider: FlagProvider) =>
  (await provider.evaluate('api', user('1'), 'default')).value;
const becomes = async (t: Test, provider: FlagProvider, value: unknown) => {
  await until(async () => (await valueOf(provider)) === value, `the value ${String(value)}`);
  t.pass(`the value ${String(value)}`);
};
/** Fifty flags of one value. */
const all = (value: number) =>
  `flagValues: { ${Array.from({ length: 50 }, (_, n) => `f${n}: ${value}`).join(', ')} }`;
const isHealthy = (provider: FlagProvider, healthy: boolean) =>
  until(() => provider.state().healthy === healthy, `healthy: ${healthy}`);

// They wait for the watcher, each for its own file: together.
t.jobs = 10;

void t.test('an edit in place', { buffered: true }, async (t) => {
  const log = keptLog();
  const { file, provider } = await openedFile(t, valued(0), log);
  t.equal(await valueOf(provider), 0);
  for (const value of [1, 2, 3]) {
    writeFileSync(file, valued(value));
    await becomes(t, provider, value);
  }
  writeFileSync(file, 'flagValues: { other: 1 }');
  await becomes(t, provider, 'default');
  writeFileSync(file, valued(4));
  await becomes(t, provider, 4);
  t.same(
    log.said(/has changed/).map(({ fields }) => fields['changed']),
    [['api'], ['api'], ['api'], ['api', 'other'], ['api', 'other']],
    'a flag can go and come back',
  );
});

void t.test('an edit that leaves size and modification time as they were', { buffered: true }, async (t) => {
  const { file, provider } = await openedFile(t, valued(1));
  const { atime, mtime } = statSync(file);
  writeFileSync(file, valued(2));
  utimesSync(file, atime, mtime);
  await becomes(t, provider, 2);
});

void t.test('a truncated file keeps the last good flags, and is said once', { buffered: true }, async (t) => {
  const log = keptLog();
  const { file, provider } = await openedFile(t, valued(1), log);
  writeFileSync(file, '');
  await isHealthy(provider, false);
  t.match(
    provider.state().detail,
    /^the last good flags are served: the log says what is wrong at \S+flags\.yaml:1:1$/,
  );
  t.equal(log.said(/flags\.yaml:1:1 the file is empty/).length, 1);
  t.equal(await valueOf(provider), 1);
  writeFileSync(file, valued(2));
  await becomes(t, provider, 2);
  t.same(provider.state(), { initialized: true, healthy: true, detail: `flags from ${file}` });
  t.equal(log.said(/is broken/).length, 1);
  t.match(log.said(/is broken/), [{ level: 'error', fields: { file } }]);
  t.equal(log.said(/good again/).length, 1);
});

void t.test('a deleted file keeps the last good flags until it is back', { buffered: true }, async (t) => {
  const { file, provider } = await openedFile(t, valued(1));
  for (const value of [2, 3]) {
    rmSync(file);
    await isHealthy(provider, false);
    t.match(provider.state().detail, /no such file/);
    t.not(await valueOf(provider), 'default');
    writeFileSync(file, valued(value));
    await becomes(t, provider, value);
  }
});

void t.test('a file replaced by rename, ten times', { buffered: true }, async (t) => {
  const { file, provider } = await openedFile(t, valued(0));
  for (let value = 1; value <= 10; value += 1) {
    writeFileSync(`${file}.new`, valued(value));
    renameSync(`${file}.new`, file);
    await becomes(t, provider, value);
  }
  t.equal(provider.state().healthy, true);
});

void t.test('the symlinks of a ConfigMap, swapped', { buffered: true }, async (t) => {
  const folder = t.testdir();
  const data = join(folder, '..data');
  const version = (number: number) => {
    const name = `..2024_${number}`;
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'flags.yaml'), valued(number));
    symlinkSync(name, `${data}_tmp`);
    renameSync(`${data}_tmp`, data);
    if (number > 0) rmSync(join(folder, `..2024_${number - 1}`), { recursive: true });
  };
  version(0);
  symlinkSync(join('..data', 'flags.yaml'), join(folder, 'flags.yaml'));
  const provider = await opened(t, { source: 'local', file: join(folder, 'flags.yaml') });
  for (let value = 1; value <= 5; value += 1) {
    version(value);
    await becomes(t, provider, value);
  }
});

void t.test(
  'a wrong shape keeps the last good flags, with one error for each content',
  { buffered: true },
  async (t) => {
    const log = keptLog();
    const { file, provider } = await openedFile(t, valued(1), log);
    writeFileSync(file, 'flagValues: [1]');
    await isHealthy(provider, false);
    writeFileSync(file, 'flagValues: [1] ');
    writeFileSync(file, 'flags:\n  api: { on: true }');
    await until(() => log.said(/is broken/).length === 2, 'a second error');
    t.match(provider.state().detail, /what is wrong at \S+flags\.yaml:2:3 flags\.api\.variations$/);
    t.equal(log.said(/flags\.yaml:2:3 flags\.api\.variations: missing/).length, 1);
    t.equal(await valueOf(provider), 1);
  },
);

await t.test('a file that is still being written is left alone', async (t) => {
  const log = keptLog();
  const { file, provider } = await openedFile(t, valued(1), log);
  let lines = 0;
  const writer = setInterval(() => {
    lines += 1;
    writeFileSync(
      file,
      `flagValues:\n${Array.from({ length: lines }, (_, n) => `  other${n}: 1\n`).join('')}`,
    );
  }, 20);
  await until(() => lines > 40, 'a slow writer at work');
  t.equal(await valueOf(provider), 1);
  clearInterval(writer);
  writeFileSync(file, valued(2));
  await becomes(t, provider, 2);
  t.equal(log.said(/has changed/).length, 1);
});

await t.test('no evaluation sees half of a new file', async (t) => {
  const { file, provider } = await openedFile(t, all(0));
  writeFileSync(file, all(1));
  let last = 0;
  while (last === 0) {
    await new Promise(setImmediate);
    const seen = await Promise.all(
      Array.from({ length: 50 }, async (_, n) => provider.evaluate(`f${n}`, user('1'), 'default')),
    );
    const values = new Set(seen.map(({ value }) => value));
    if (values.size > 1) t.fail('two versions at once');
    last = Number([...values][0]);
  }
  t.equal(last, 1);
});

await t.test('a broken file that changes and has the same mistake is said once', async (t) => {
  const log = keptLog();
  const { file, provider } = await openedFile(t, valued(1), log);
  writeFileSync(file, 'flagValues: [1]');
  await isHealthy(provider, false);
  for (const tail of ['\n', '\n\n']) {
    writeFileSync(file, `flagValues: [1]${tail}`);
    // A watcher that starts now takes two looks to find this version: time enough for the source's own.
    let seen = false;
    const witness = watch(file, 'nothing', async () => {
      seen = true;
      return true;
    });
    await until(() => seen, 'the witness');
    await witness.close();
  }
  t.equal(log.said(/is broken/).length, 1);
});
