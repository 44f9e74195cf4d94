import { renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readFlagFile } from '../../src/flags/flag-file.ts';
import { watch } from '../../src/config/watch.ts';
import { until } from '../support/client.ts';
import { keptLog, opened } from '../support/flags.ts';
import { runStarvedChild } from './starved-child.ts';

await t.test('what could not be read is read again, with no change to the file', async (t) => {
  const file = join(t.testdir({ flags: '1' }), 'flags');
  const answers = [false, new Error('thrown'), false, true];
  let calls = 0;
  const watched = watch(file, 'another state', async () => {
    const answer = answers[calls++] ?? true;
    if (answer instanceof Error) throw answer;
    return answer;
  });
  t.teardown(() => watched.close());
  await until(() => calls === 4, 'the call that succeeds');
  writeFileSync(file, 'another text');
  await until(() => calls > 4, 'a change');
  await watched.close();
  t.equal(calls, 5, 'what was read is not read again');
});

await t.test('a change is not lost to a lack of descriptors', async (t) => {
  const file = join(t.testdir({ 'flags.yaml': 'flagValues: { api: 1 }' }), 'flags.yaml');
  t.match(JSON.parse(await runStarvedChild(file)), {
    starved: /cannot be read \(EMFILE\)/,
    mended: true,
    value: 2,
    errors: 1,
  });
});

const unreadable = '/proc/self/mem';
const skip = process.platform === 'linux' ? false : 'needs /proc';

await t.test('an unreadable file is said once, and the one before may come back', { skip }, async (t) => {
  const folder = t.testdir({ 'good.yaml': 'flagValues: { api: 1 }' });
  const file = join(folder, 'flags.yaml');
  const lead = (to: string) => {
    symlinkSync(to, `${file}.new`);
    renameSync(`${file}.new`, file);
  };
  lead('good.yaml');
  const log = keptLog();
  const provider = await opened(t, { source: 'local', file }, log);
  lead(unreadable);
  await until(() => !provider.state().healthy, 'unhealthy');
  t.match(provider.state().detail, /cannot be read \(EIO\)/);
  lead('good.yaml');
  await until(() => provider.state().healthy, 'healthy');
  t.equal(log.said(/is broken/).length, 1);
  t.equal(log.said(/good again/).length, 1);
});

await t.test('broken content was read, and needs no second look', async (t) => {
  const folder = t.testdir({
    binary: Buffer.from([0xff, 0xfe]),
    shape: '[]',
    huge: 'x'.repeat(1024 * 1024 + 1),
  });
  for (const name of ['binary', 'shape', 'huge'])
    t.match(await readFlagFile(join(folder, name)), { data: undefined, read: true }, name);
  for (const name of ['', 'absent', 'absent/file'])
    t.match(await readFlagFile(join(folder, name)), { data: undefined, read: false }, name || 'a folder');
});
